package form

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// How XML and values stand for one another: an element is a member of what it lies in, several of one name are a list; its attributes are members
// whose names begin with @_, and its text is #text where there is anything beside it, else the element's value. An empty element is an empty text.
const (
	xmlAttribute = "@_"
	xmlText      = "#text"
)

// Bounds of XML in flows.
const (
	maxXML         = 256 << 10 // bytes
	maxXMLDepth    = 50
	maxXMLElements = 10000
)

// parseXML is XML PARSE_XML. Documents with a DTD are refused, so there are no entities but those of XML itself, and nothing is fetched.
func parseXML(_ context.Context, _ *running, params map[string]any) (any, error) {
	text := Text(params["xml"])
	if len(text) > maxXML {
		return nil, failed("the XML is too long")
	}
	d := xml.NewDecoder(strings.NewReader(text))
	left := maxXMLElements
	for {
		t, err := d.RawToken()
		if err != nil {
			return nil, failed("the text is no XML")
		}
		switch t := t.(type) {
		case xml.Directive:
			return nil, failed("the XML has a document type")
		case xml.CharData:
			if strings.TrimSpace(string(t)) != "" {
				return nil, failed("the text is no XML")
			}
		case xml.StartElement:
			v, err := xmlElement(d, t, 0, &left)
			if err == nil {
				err = xmlRest(d)
			}
			if err != nil {
				return nil, failed("the text is no XML, or has too many elements")
			}
			return map[string]any{"object": map[string]any{xmlName(t.Name): v}}, nil
		}
	}
}

var errXML = errors.New("form: not well-formed, or too large")

// xmlRest reads what is behind the root element: nothing but comments and space.
func xmlRest(d *xml.Decoder) error {
	for {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.Comment, xml.ProcInst:
		case xml.CharData:
			if strings.TrimSpace(string(t)) != "" {
				return errXML
			}
		default:
			return errXML
		}
	}
}

func xmlName(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local // as it was written: a prefix is no namespace here
}

func xmlElement(d *xml.Decoder, start xml.StartElement, depth int, left *int) (any, error) {
	if *left--; *left < 0 || depth > maxXMLDepth {
		return nil, errXML
	}
	members := map[string]any{}
	for _, a := range start.Attr {
		members[xmlAttribute+xmlName(a.Name)] = a.Value
	}
	var text strings.Builder
	for {
		t, err := d.RawToken()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.Directive:
			return nil, errXML
		case xml.CharData:
			text.Write(t)
		case xml.StartElement:
			v, err := xmlElement(d, t, depth+1, left)
			if err != nil {
				return nil, err
			}
			switch name := xmlName(t.Name); before := members[name].(type) {
			case nil:
				members[name] = v
			case []any:
				members[name] = append(before, v)
			default:
				members[name] = []any{before, v}
			}
		case xml.EndElement:
			if t.Name != start.Name {
				return nil, errXML
			}
			words := strings.TrimSpace(text.String())
			if len(members) == 0 {
				return words, nil
			}
			if words != "" {
				members[xmlText] = words
			}
			return members, nil
		}
	}
}

// serializeXML is XML SERIALIZE_XML, of an object with one member, the root element, or of a text that is one in JSON.
func serializeXML(_ context.Context, _ *running, params map[string]any) (any, error) {
	object := asMap(params["object"])
	if text, is := params["object"].(string); is {
		_ = json.Unmarshal([]byte(text), &object) // what is no object is refused below
	}
	var out strings.Builder
	if len(object) != 1 || writeXML(&out, object, 0) != nil {
		return nil, failed("the object cannot be written as XML")
	}
	return map[string]any{"xml": out.String()}, nil
}

var xmlNames = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_.\-]*(:[\p{L}_][\p{L}\p{N}_.\-]*)?$`)

// writeXML writes the members of an object as elements, in the order of their names.
func writeXML(out *strings.Builder, object map[string]any, depth int) error {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if strings.HasPrefix(name, xmlAttribute) || name == xmlText {
			continue
		}
		if !xmlNames.MatchString(name) || depth > maxXMLDepth {
			return errXML
		}
		all, many := object[name].([]any)
		if !many {
			all = []any{object[name]}
		} else if depth == 0 && len(all) != 1 {
			return errXML // there is one root
		}
		for _, v := range all {
			if err := writeElement(out, name, v, depth); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeElement(out *strings.Builder, name string, v any, depth int) error {
	if _, is := v.([]any); is {
		return errXML // a list in a list has no names
	}
	out.WriteString("<" + name)
	inner, isObject := v.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(inner)) {
		attribute, is := strings.CutPrefix(key, xmlAttribute)
		if !is {
			continue
		}
		if !xmlNames.MatchString(attribute) {
			return errXML
		}
		out.WriteString(" " + attribute + `="`)
		_ = xml.EscapeText(out, []byte(Text(inner[key]))) // a Builder takes everything
		out.WriteString(`"`)
	}
	out.WriteString(">")
	if isObject {
		_ = xml.EscapeText(out, []byte(Text(inner[xmlText])))
		if err := writeXML(out, inner, depth+1); err != nil {
			return err
		}
	} else {
		_ = xml.EscapeText(out, []byte(Text(v)))
	}
	out.WriteString("</" + name + ">")
	if out.Len() > maxXML {
		return errXML
	}
	return nil
}
