package emulator

import (
	"maps"

	"github.com/dynamics-mcp/dynamics-mcp/emulator/schema"
)

// labelGiven is the text of a label by language, nil where none is given.
func labelGiven(value any) map[int]string {
	label, ok := value.(members)
	if !ok {
		return nil
	}
	texts := map[int]string{}
	add := func(item any) {
		object, _ := item.(members)
		one := given{props: object}
		if code := one.integer("LanguageCode", 0); code != 0 {
			texts[code] = one.text("Label")
		}
	}
	add((given{props: label}).value("UserLocalizedLabel"))
	localized, _ := (given{props: label}).value("LocalizedLabels").([]any)
	for _, item := range localized {
		add(item)
	}
	if len(texts) == 0 {
		return nil
	}
	return texts
}

// labels writes labels into a definition.
type labels struct {
	merge  bool // texts in languages that are not given stay
	extras *schema.Extras
}

// put sets a label: the text in English, and the translations.
func (l labels) put(text *string, property string, value any) {
	texts := labelGiven(value)
	if texts == nil {
		return
	}
	if t, ok := texts[english]; ok {
		*text = t
	}
	translations := map[string]map[int]string{}
	maps.Copy(translations, l.extras.Translations)
	mine := map[int]string{}
	if l.merge {
		maps.Copy(mine, translations[property])
	}
	for language, t := range texts {
		if language != english {
			mine[language] = t
		}
	}
	if delete(translations, property); len(mine) > 0 {
		translations[property] = mine
	}
	if l.extras.Translations = translations; len(translations) == 0 {
		l.extras.Translations = nil
	}
}
