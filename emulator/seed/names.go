package seed

// The words that names are put together from. Companies, people and addresses are invented; mail domains are the
// reserved .example, telephone numbers have the fictional 555.

var firstNames = []string{
	"Anna", "Søren", "María", "James", "Zoë", "Paweł", "Chloé", "Liam", "Ingrid", "Tomás", "Yuki", "Amara", "Björn", "Priya",
	"Oliver", "Renée", "Mateusz", "Sofia", "Ahmed", "Grace", "Jürgen", "Emily", "Łukasz", "Noah", "Aiko", "François", "Lena",
	"Diego", "Fatima", "Ethan", "Åsa", "Marco", "Nadia", "William", "Katarzyna", "Hiroshi", "Isabelle", "Samuel", "Leïla",
	"Peter", "Camila", "Niels", "Ruth", "Vikram", "Elena", "George", "Marta", "Kenji", "Hannah", "André", "Olivia", "Ravi",
	"Monika", "Daniel", "Sinéad", "Lucas", "Agnieszka", "Robert", "Mei", "João", "Charlotte", "Omar", "Freja", "Michael",
	"Beatriz", "Stefan", "Naomi", "Erik", "Claire", "Tariq", "Julia", "Benjamin", "Greta", "Carlos", "Victoria", "Ivan",
}

var lastNames = []string{
	"Müller", "O'Brien", "Nowak", "García", "Johansson", "Smith", "Dubois", "Kowalska", "Tanaka", "Østergaard", "Rossi",
	"Patel", "Brown", "Fernández", "Schneider", "Nguyen", "Jansen", "Wiśniewski", "Moreau", "Andersen", "Kim", "Silva",
	"D'Angelo", "Weber", "Martin", "Lindqvist", "Novák", "Okafor", "Taylor", "Björklund", "Costa", "Fischer", "Leclerc",
	"Hansen", "Khan", "Zieliński", "Walker", "Romano", "Çelik", "Jensen", "Suzuki", "Peña", "Wagner", "Murphy", "Petrov",
	"Bakker", "Mendes", "Haddad", "Larsson", "Evans", "Kaplan", "Sørensen", "Ricci", "Becker", "Dupont", "Mac Donald",
	"Ivanova", "Cohen", "Hughes", "Almeida", "Schröder", "Virtanen", "Roux", "Chen", "Papadopoulos", "Nielsen", "Clarke",
	"Ortiz", "Hoffmann", "Reddy", "Lefèvre", "Byrne", "Kovács", "Iyer", "Sato", "Núñez", "Keller", "Bianchi", "Singh",
	"van der Berg", "Gómez", "Krüger", "Mwangi", "Lambert", "Fraser", "Sokołowska", "Barros", "Hall", "Eriksson", "Abe",
}

var jobTitles = []string{
	"Chief Executive Officer", "Purchasing Manager", "IT Director", "Operations Manager", "Chief Financial Officer",
	"Head of Procurement", "Plant Manager", "Store Manager", "Logistics Coordinator", "Facilities Manager", "Controller",
	"VP of Operations", "Buyer", "Quality Engineer", "Project Manager", "Office Manager", "Service Desk Lead",
}

var departments = []string{"Purchasing", "Operations", "IT", "Finance", "Logistics", "Facilities", "Quality", "Management"}

// companyWords begin a company's name; sector words end it.
var companyWords = []string{
	"Bluepeak", "Harbor & Pine", "Northgate", "Silverbrook", "Kestrel", "Alder", "Summit", "Lakeshore", "Redstone", "Meridian",
	"Fairview", "Ironwood", "Brightwater", "Cobalt", "Juniper", "Granite", "Solvang", "Westmark", "Eastfield", "Oakhurst",
	"Polaris", "Vantage", "Stellar", "Crescent", "Highland", "Amber", "Birch", "Falcon", "Riverbend", "Clearwater", "Orchard",
	"Pinnacle", "Sequoia", "Tidewater", "Union", "Willow", "Zephyr", "Aurora", "Beacon", "Canyon", "Delta", "Everest",
	"Fjord", "Glacier", "Horizon", "Isar", "Jura", "Kraków", "Lund", "Málaga", "Nordlys", "Østlund", "Provence", "Quarry",
}

// sector is a kind of business: its industrycode and what such companies call themselves.
type sector struct {
	code  int
	words []string
	sic   string
}

var sectors = []sector{
	{12, []string{"Manufacturing", "Machine Works", "Maschinenbau"}, "3500"},
	{30, []string{"Logistics", "Transport", "Spedition"}, "4200"},
	{7, []string{"Consulting", "Advisory", "Partners"}, "8742"},
	{16, []string{"Capital", "Credit Union", "Finance"}, "6100"},
	{17, []string{"Foods", "Bakeries", "Dairy"}, "2000"},
	{33, []string{"Wholesale", "Trading", "Supply"}, "5000"},
	{20, []string{"Insurance", "Mutual", "Assurance"}, "6300"},
	{11, []string{"Clinics", "Health", "Medical Center"}, "8011"},
	{6, []string{"Business Services", "Solutions", "Group"}, "7380"},
	{5, []string{"Building Supply", "Timber", "Hardware"}, "5211"},
	{13, []string{"Hotels", "Restaurants", "Catering"}, "5812"},
	{31, []string{"Energy", "Water", "Power"}, "4911"},
	{3, []string{"Media", "Press", "Publishing"}, "2711"},
	{2, []string{"Farms", "Agriculture", "Vineyards"}, "0100"},
	{9, []string{"Design", "Studio", "Architects"}, "8712"},
	{21, []string{"Legal", "Law", "Notaries"}, "8111"},
}

// city is a place with the shape of its addresses: a street name, a postal code and a dialling code.
type city struct {
	name, state, country, postal, dial string
	streets                            []string
	territory                          int
}

var (
	englishStreets = []string{"Main Street", "Oak Avenue", "Harbor Road", "Mill Lane", "Station Road", "Park Boulevard"}
	germanStreets  = []string{"Hauptstraße", "Bahnhofstraße", "Gartenweg", "Industriestraße"}
	frenchStreets  = []string{"rue de la République", "avenue Victor Hugo", "boulevard du Général Leclerc"}
	spanishStreets = []string{"Calle Mayor", "Avenida de la Constitución", "Paseo del Prado"}
	nordicStreets  = []string{"Storgata", "Kongensgade", "Drottninggatan", "Søndergade"}
	polishStreets  = []string{"ul. Piotrkowska", "ul. Długa", "al. Jerozolimskie"}
)

var cities = []city{
	{"Seattle", "WA", "United States", "98101", "+1 206", englishStreets, 0},
	{"Portland", "OR", "United States", "97204", "+1 503", englishStreets, 0},
	{"San Francisco", "CA", "United States", "94105", "+1 415", englishStreets, 0},
	{"Denver", "CO", "United States", "80202", "+1 303", englishStreets, 0},
	{"Chicago", "IL", "United States", "60601", "+1 312", englishStreets, 1},
	{"Boston", "MA", "United States", "02108", "+1 617", englishStreets, 1},
	{"New York", "NY", "United States", "10001", "+1 212", englishStreets, 1},
	{"Atlanta", "GA", "United States", "30303", "+1 404", englishStreets, 1},
	{"Austin", "TX", "United States", "78701", "+1 512", englishStreets, 0},
	{"Toronto", "ON", "Canada", "M5H 2N2", "+1 416", englishStreets, 1},
	{"Montréal", "QC", "Canada", "H2Y 1C6", "+1 514", frenchStreets, 1},
	{"London", "", "United Kingdom", "EC1A 1BB", "+44 20", englishStreets, 2},
	{"Manchester", "", "United Kingdom", "M1 1AE", "+44 161", englishStreets, 2},
	{"Dublin", "", "Ireland", "D02 X285", "+353 1", englishStreets, 2},
	{"München", "Bayern", "Germany", "80331", "+49 89", germanStreets, 3},
	{"Hamburg", "", "Germany", "20095", "+49 40", germanStreets, 3},
	{"Köln", "Nordrhein-Westfalen", "Germany", "50667", "+49 221", germanStreets, 3},
	{"Zürich", "ZH", "Switzerland", "8001", "+41 44", germanStreets, 3},
	{"Wien", "", "Austria", "1010", "+43 1", germanStreets, 3},
	{"Paris", "", "France", "75001", "+33 1", frenchStreets, 3},
	{"Lyon", "", "France", "69001", "+33 4", frenchStreets, 3},
	{"Madrid", "", "Spain", "28001", "+34 91", spanishStreets, 3},
	{"Málaga", "", "Spain", "29001", "+34 95", spanishStreets, 3},
	{"Milano", "MI", "Italy", "20121", "+39 02", []string{"Via Roma", "Corso Garibaldi"}, 3},
	{"København", "", "Denmark", "1050", "+45", nordicStreets, 2},
	{"Oslo", "", "Norway", "0150", "+47", nordicStreets, 2},
	{"Göteborg", "", "Sweden", "411 03", "+46 31", nordicStreets, 2},
	{"Łódź", "", "Poland", "90-001", "+48 42", polishStreets, 3},
	{"Kraków", "", "Poland", "31-001", "+48 12", polishStreets, 3},
	{"Amsterdam", "", "Netherlands", "1012 JS", "+31 20", []string{"Keizersgracht", "Damrak"}, 3},
	{"Sydney", "NSW", "Australia", "2000", "+61 2", englishStreets, 4},
	{"Auckland", "", "New Zealand", "1010", "+64 9", englishStreets, 4},
	{"Singapore", "", "Singapore", "049315", "+65", englishStreets, 4},
	{"Tokyo", "", "Japan", "100-0001", "+81 3", []string{"Marunouchi", "Ginza"}, 4},
	{"São Paulo", "SP", "Brazil", "01001-000", "+55 11", []string{"Avenida Paulista", "Rua Augusta"}, 1},
	{"Bengaluru", "Karnataka", "India", "560001", "+91 80", []string{"MG Road", "Residency Road"}, 4},
}

// ascii spells the letters of our names that a mail address cannot have.
var ascii = map[rune]string{
	'à': "a", 'á': "a", 'ã': "a", 'å': "a", 'ä': "ae", 'ç': "c", 'é': "e", 'è': "e", 'ë': "e", 'ï': "i", 'í': "i", 'ł': "l",
	'ñ': "n", 'ń': "n", 'ó': "o", 'ö': "oe", 'ø': "o", 'õ': "o", 'ś': "s", 'ú': "u", 'ü': "ue", 'ź': "z", 'ż': "z",
}
