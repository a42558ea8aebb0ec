package emulator

import (
	"net/http"
	"strings"
)

var getTimeZoneCodeByLocalizedName = message{
	name: "GetTimeZoneCodeByLocalizedName",
	parameters: []parameter{
		{name: "LocalizedStandardName", kind: "Edm.String"},
		{name: "LocaleId", kind: "Edm.Int32"},
	},
	result: "GetTimeZoneCodeByLocalizedNameResponse",
	answer: func(c *call, args arguments) error {
		name := args.text("LocalizedStandardName")
		code, ok := timeZoneCodes()[strings.ToLower(name)]
		if !ok || args.number("LocaleId") != english {
			return fail(http.StatusNotFound, codeNotFound, "There is no time zone with the name '%s' in the language %d.", name, args.number("LocaleId"))
		}
		o := c.respond("GetTimeZoneCodeByLocalizedNameResponse")
		o.any("TimeZoneCode", code)
		return c.answer(http.StatusOK, o.bytes())
	},
}

// timeZoneCodes are the codes of the platform's time zones by their standard names in English, in lower case.
func timeZoneCodes() map[string]int {
	return map[string]int{
		"dateline standard time": 0, "samoa standard time": 1, "hawaiian standard time": 2, "alaskan standard time": 3,
		"pacific standard time": 4, "mountain standard time": 10, "us mountain standard time": 15, "central standard time": 20,
		"canada central standard time": 25, "central america standard time": 33, "eastern standard time": 35,
		"us eastern standard time": 40, "sa pacific standard time": 45, "atlantic standard time": 50, "sa western standard time": 55,
		"pacific sa standard time": 56, "newfoundland standard time": 60, "e. south america standard time": 65,
		"sa eastern standard time": 70, "greenland standard time": 73, "mid-atlantic standard time": 75, "azores standard time": 80,
		"cape verde standard time": 83, "gmt standard time": 85, "greenwich standard time": 90, "coordinated universal time": 92,
		"central europe standard time": 95, "central european standard time": 100, "romance standard time": 105,
		"w. europe standard time": 110, "w. central africa standard time": 113, "e. europe standard time": 115,
		"egypt standard time": 120, "fle standard time": 125, "gtb standard time": 130, "israel standard time": 135,
		"south africa standard time": 140, "russian standard time": 145, "arab standard time": 150, "e. africa standard time": 155,
		"arabic standard time": 158, "iran standard time": 160, "arabian standard time": 165, "caucasus standard time": 170,
		"afghanistan standard time": 175, "ekaterinburg standard time": 180, "west asia standard time": 185,
		"india standard time": 190, "nepal standard time": 193, "central asia standard time": 195, "sri lanka standard time": 200,
		"n. central asia standard time": 201, "myanmar standard time": 203, "se asia standard time": 205,
		"north asia standard time": 207, "china standard time": 210, "singapore standard time": 215, "taipei standard time": 220,
		"w. australia standard time": 225, "north asia east standard time": 227, "korea standard time": 230,
		"tokyo standard time": 235, "yakutsk standard time": 240, "aus central standard time": 245,
		"cen. australia standard time": 250, "aus eastern standard time": 255, "e. australia standard time": 260,
		"tasmania standard time": 265, "vladivostok standard time": 270, "west pacific standard time": 275,
		"central pacific standard time": 280, "fiji standard time": 285, "new zealand standard time": 290, "tonga standard time": 300,
	}
}
