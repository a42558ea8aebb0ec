package seed

import "fmt"

// product is what we sell.
type product struct {
	id, name, number string
	price            float64
	unit             string
	kind             string // product family
}

// family is a group of products; subject is where cases about them are filed.
type family struct {
	name    string
	kind    int // producttypecode: 1 goods, 3 services
	subject string
	items   []string
	from    float64 // price of the first item; the next cost step more
	step    float64
}

var families = []family{
	{"Printers", 1, "Printers", []string{"LaserJetta 200 Mono", "LaserJetta 300 Color", "LaserJetta 500 Duplex", "PlotMaster A1", "LabelWriter Pro", "ThermoTag Mobile"}, 249, 215},
	{"3D Printers", 1, "3D Printers", []string{"Forma One", "Forma Two", "Forma Studio", "Forma Industrial", "Forma Metal"}, 1890, 6450},
	{"Scanners", 1, "Scanners", []string{"ScanDesk 40", "ScanDesk 80", "BookScan Overhead", "Handheld Barcode Reader", "Pallet Scanner Gate"}, 189, 640},
	{"Displays", 1, "Displays", []string{"ClearView 24", "ClearView 27", "ClearView 32 Curved", "WallBoard 65", "WallBoard 86 Touch"}, 179, 590},
	{"Workstations", 1, "Workstations", []string{"Bench S", "Bench M", "Bench L", "Bench XL Rack", "Field Tablet Rugged"}, 1149, 980},
	{"Network", 1, "Network", []string{"Switch 24 Port", "Switch 48 Port", "Access Point Indoor", "Access Point Outdoor", "Edge Gateway"}, 320, 275},
	{"Supplies", 1, "Supplies", []string{"Toner Black", "Toner Color Set", "Filament PLA 1 kg", "Resin Clear 1 l", "Label Roll 1000"}, 24, 31},
	{"Services", 3, "Service contracts", []string{"Installation Day", "Training Day", "Care Plan Basic", "Care Plan Plus", "Care Plan Premium", "Remote Monitoring"}, 690, 445},
}

// Ids of the price lists.
const (
	standardPriceList = "5a1e0001-77c4-4b1e-8d2f-3c6a9b0e51d7"
	partnerPriceList  = "5a1e0002-77c4-4b1e-8d2f-3c6a9b0e51d7"
)

func (c *company) addCatalog() {
	c.addUnits()
	for _, p := range []struct{ id, name string }{{standardPriceList, "Standard Price List"}, {partnerPriceList, "Partner Price List"}} {
		c.add("pricelevel", join(row{
			{"pricelevelid", p.id}, {"name", p.name}, {"begindate", stamp(c.today.AddDate(-3, 0, 0))},
			{"enddate", stamp(c.today.AddDate(2, 0, 0))}, {"freighttermscode", 1}, {"paymentmethodcode", 1}, {"shippingmethodcode", 1},
		}, inDollars))
	}
	for i, f := range families {
		c.add("subject", row{{"subjectid", id("subject", i)}, {"title", f.subject}, {"parentsubject", DefaultSubjectID}, {"featuremask", 1}})
		familyID := id("product family", i)
		c.add("product", join(row{
			{"productid", familyID}, {"name", f.name}, {"productnumber", fmt.Sprintf("F-%02d", i+1)}, {"productstructure", 2},
			{"statuscode", 1}, {"quantitydecimal", 2}, {"subjectid", id("subject", i)}, {"hierarchypath", f.name},
		}, inDollars))
		for j, name := range f.items {
			c.addProduct(f, i, j, name, familyID)
		}
	}
	c.addCompetitors()
}

// addUnits adds the box of ten that supplies are also sold in.
func (c *company) addUnits() {
	c.add("uom", row{
		{"uomid", id("uom", 1)}, {"name", "Box of 10"}, {"quantity", 10.0}, {"isschedulebaseuom", false},
		{"uomscheduleid", DefaultUnitGroupID}, {"baseuom", PrimaryUnitID},
	})
}

func (c *company) addProduct(f family, i, j int, name, familyID string) {
	p := product{
		id: c.newID("product"), name: name, number: fmt.Sprintf("P-%02d%03d", i+1, (j+1)*10),
		price: f.from + f.step*float64(j), unit: PrimaryUnitID, kind: f.name,
	}
	c.products = append(c.products, p)
	c.add("product", join(row{
		{"productid", p.id}, {"name", p.name}, {"productnumber", p.number}, {"productstructure", 1}, {"statuscode", 1},
		{"producttypecode", f.kind}, {"quantitydecimal", 2}, {"parentproductid", familyID}, {"subjectid", id("subject", i)},
		{"defaultuomid", PrimaryUnitID}, {"defaultuomscheduleid", DefaultUnitGroupID}, {"pricelevelid", standardPriceList},
		{"price", p.price}, {"standardcost", cents(p.price * 0.55)}, {"currentcost", cents(p.price * 0.58)},
		{"quantityonhand", float64(c.between(0, 400))}, {"isstockitem", f.kind == 1}, {"stockweight", float64(c.between(1, 60))},
		{"hierarchypath", f.name + "\\" + p.name}, {"description", p.name + " from our " + f.name + " range"},
		{"vendorname", pick(c, companyWords) + " Supply"}, {"validfromdate", day(c.today.AddDate(-3, 0, 0))},
	}, inDollars))
	for _, list := range []struct {
		id    string
		share float64
	}{{standardPriceList, 1}, {partnerPriceList, 0.85}} {
		c.add("productpricelevel", join(row{
			{"productpricelevelid", c.newID("productpricelevel")}, {"productid", p.id}, {"productnumber", p.number},
			{"pricelevelid", list.id}, {"uomid", p.unit}, {"uomscheduleid", DefaultUnitGroupID},
			{"amount", cents(p.price * list.share)}, {"percentage", 0.0}, {"pricingmethodcode", 1}, {"quantitysellingcode", 1},
			{"roundingoptionamount", 0.0}, {"roundingoptioncode", 1}, {"roundingpolicycode", 1},
		}, inDollars))
	}
}

var competitorNames = []string{"Adatum Systems", "Fabrikam Devices", "Proseware Print", "Litware Office", "Tailspin Hardware", "Wingtip Service"}

func (c *company) addCompetitors() {
	for i, name := range competitorNames {
		c.add("competitor", join(row{
			{"competitorid", id("competitor", i)}, {"name", name}, {"websiteurl", "https://" + plain(name) + ".example"},
			{"winpercentage", float64(20 + 7*i)}, {"reportedrevenue", float64(40+25*i) * 1e6}, {"reportingyear", c.today.Year() - 1},
			{"strengths", "Low prices, quick delivery"}, {"weaknesses", "Thin service network"}, {"keyproduct", families[i].items[0]},
		}, inDollars))
	}
}
