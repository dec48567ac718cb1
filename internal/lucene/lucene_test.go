package lucene

import (
	"encoding/json"
	"errors"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The order of forms is the order of numbers, however they are written.
func TestNumbersKeepTheirOrder(t *testing.T) {
	texts := []string{"0", "-0", "0.0", "1", "1.0", "1e0", "10e-1", "-1", "-1.5", "-1.49", "-10", "-9", "9", "10", "99", "100", "0.1", "0.12", "-0.1", "-0.12", "1e300", "-1e300", "1e-300", "12345678901234567890", "12345678901234567891", "0.001", "1000000"}
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		texts = append(texts, strconv.FormatFloat((r.Float64()-0.5)*1000, 'f', r.IntN(6), 64), strconv.FormatFloat(r.NormFloat64(), 'e', r.IntN(9), 64))
	}
	for _, a := range texts {
		for _, b := range texts {
			x, _, errX := big.ParseFloat(a, 10, 2000, big.ToNearestEven)
			y, _, errY := big.ParseFloat(b, 10, 2000, big.ToNearestEven)
			if errX != nil || errY != nil {
				t.Fatal(errX, errY)
			}
			if got, want := strings.Compare(Number(a), Number(b)), x.Cmp(y); got != want {
				t.Errorf("%s and %s compare as %d, want %d: %s, %s", a, b, got, want, Number(a), Number(b))
			}
		}
	}
}

func TestTextsOfAnyLength(t *testing.T) {
	long := strings.Repeat("ä", 200)
	if again := Text(long + "a"); Text(long+"a") == Text(long+"b") || Text(long+"a") != again {
		t.Error("long texts are told apart")
	}
	if form := Text(long); !strings.HasPrefix(form, "s"+strings.Repeat("ä", 128)+"\x01") || len(form) != 1+256+17 {
		t.Errorf("form of a long text: %q", form)
	}
	if form := Text("a" + long); !strings.HasPrefix(form, "sa"+strings.Repeat("ä", 127)+"\x01") {
		t.Errorf("a character is cut: %q", form)
	}
	if Text("x") != "sx" || Bool(true) <= Bool(false) {
		t.Error("forms")
	}
}

func TestLeaves(t *testing.T) {
	got := Leaves("m", []byte(` {"a":[1,[2,{"b":"x"}],null,{},[]], "c d":{"e":true,"e":false}, "q\"\u00e4":"\n", "z":-1.50e1} `), nil)
	want := []Leaf{
		{"m", Object}, {"m.a", Number("1")}, {"m.a", Number("2")}, {"m.a", Object}, {"m.a.b", "sx"}, {"m.c d", Object}, {"m.c d.e", Bool(false)}, {"m.q\"ä", "s\n"}, {"m.z", Number("-15")},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if n := len(Leaves("m", []byte("["+strings.TrimSuffix(strings.Repeat(`"a",1,`, 9), ",")+"]"), nil)); n != 2 {
		t.Errorf("%d leaves of two values", n)
	}
	var many strings.Builder
	for i := range 3000 {
		many.WriteString("," + strconv.Itoa(i))
	}
	if n := len(Leaves("m", []byte("["+many.String()[1:]+"]"), nil)); n != maxLeaves {
		t.Errorf("%d leaves of a long list", n)
	}
}

// person is a record for queries: what is there by field.
var person = map[string][]string{
	"name": {Text("ada lovelace")}, "n": {Number("3"), Text("10")}, "on": {Bool(true)}, "tags": {Text("a"), Text("b")}, "day": {Text("2025-12-24T10:00:00.000Z")},
	"changed": {Text("2025-01-01T00:00:00.000Z")}, "login": {Text("2025-06-01T00:00:00.000Z")}, "star": {Text("a*b")}, "empty": {Text("")}, "uni": {Text("\uffff"), Text("a\U0010ffff")},
}

var personSchema = Schema{Bare: []string{"name", "tags"}, Dates: []string{"day", "changed", "login"}, Fold: func(p string) bool { return p == "name" }, Last: map[string]string{"changed": "login"}}

func TestMeaning(t *testing.T) {
	for q, want := range map[string]bool{
		"": true, "*": true, "*:*": true, "  ": true,
		"ADA\\ Lovelace": true, `"ada lovelace"`: true, "a": true, "A": false, "name:ada*": true, "name:*LOVE*": true, "name:a*e": true, "name:a*a": false, "name:*ace": true, "name:ad**e": true,
		"n:3": true, "n:3.0": true, `n:"3"`: true, "n:10": true, "n:10.0": false, "n:4": false, "n:[2 TO 3]": true, "n:{2 TO 3}": false, "n:[2 TO 3}": false, "n:{2 TO 3]": true, "n:[* TO *]": true,
		`n:["1" TO "2"]`: true, "n:>2": true, "n:>3": false, "n:>=3": true, "n:<3": false, "n:<=3": true, "n:[4 TO *]": false, "n: 3": true, "n :3": true,
		"on:true": true, "on:false": false, `on:"true"`: true, "_exists_:on": true, "_exists_:off": false, "NOT _exists_:off": true, "empty:\"\"": true, "_exists_:empty": true,
		"day:2025-12-24": true, "day:2025-12": true, "day:2025": true, "day:2024": false, "day:[2025-12-24 TO 2025-12-24]": true, "day:{2025-12-24 TO *]": false, "day:[* TO 2025-12-24}": false,
		"day:[2025-12-24T10:00:00Z TO 2025-12-24T10:00:00Z]": true, "day:[2025-12-24T12:00:00+02:00 TO *]": true, "day:{2025-12-24T10:00:00.000Z TO *]": false, "day:2025-12-24*": true, `day:"2025-12-24T10:00:00.000Z"`: true,
		"day:>2025-12-23": true, "day:<2025-12-24": false, "day:<=2025-12-24": true,
		"changed:[2025-06 TO *]": true, "changed:[* TO 2025-05]": false, "changed:[* TO 2025-06]": true, "changed:[2025-01-01 TO 2025-01-01]": false, "changed:2025-06-01": true, "changed:2025-06*": true, "changed:[* TO *]": true,
		`star:a\*b`: true, `star:"a*b"`: true, `star:a*`: true, `star:"a*"`: false,
		"tags:(a AND b)": true, "tags:(a AND c)": false, "tags:(a OR c)": true, "tags:(+a -c)": true, "tags:(c d)": false, "tags:(a -b)": false,
		"+(x OR a) x": true, "+(x OR y) a": false, "+(a x) -(x y)": true, "(NOT a) a": true, "(NOT a) (NOT a)": false, "-(NOT a) x": false, "-(NOT a)": true, "+a AND a x": true, "+a AND x a": false, "+x OR a": true, "(+x) a": true,
		"uni:\uffff": true, "uni:\uffff*": true, "uni:a*": true, "uni:a\U0010ffff": true, "uni:a\U0010ffff*": true, "uni:\ud7ff*": false, "on:*\uffff\uffffx*": false,
		"x OR a": true, "x AND a": false, "x a": true, "x +a": true, "+x a": false, "a -b": false, "a NOT x": true, "NOT x": true, "NOT NOT a": true, "-x": true, "!x": true, "- a": false,
		"x AND x OR a": true, "a OR x AND x": true, "(a OR x) AND x": false, "a || x && x": true, "x OR NOT x": true, "x OR -a": false, "a AND -x": true, "ANDa OR a": true, "a and b": true, "AND\\x OR a": true,
		"a AND(b)": true, `a OR"x"`: true, "_exists_:\"on\"": true, `"AND" OR a`: true,
	} {
		n, err := Parse(q)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		e, err := personSchema.Compile(n)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		if got := e.Match(func(path string) []string { return person[path] }); got != want {
			t.Errorf("%s means %s: %v, want %v", q, e, got, want)
		}
	}
}

func TestErrorsPoint(t *testing.T) {
	for q, pos := range map[string]int{
		"(": 0, ")": 0, "a )": 2, "a:": 2, `"`: 0, `a "b`: 2, "a AND": 5, "OR": 0, "a:b:c": 3, "ä?": 1, "a~": 1, "a^2": 1, "/a/": 0, "*a": 0, "n:[1 TO": 2, "n:[1,2]": 6, "n:[1 TO 2": 2, "[1 TO 2]": 0, "a*:b": 0,
		"_exists_:a*": 9, "f:(g:x)": 3, "day:x": 4, "day:[x TO *]": 5, "day:*12*": 4, `a\`: 1, "]": 0, "()": 0, "NOT": 3, "+": 1, "a:(b": 2, "n:>": 3, "n:>1*": 3, "(a)^2": 3, "日本 OR )": 6,
	} {
		n, err := Parse(q)
		if err == nil {
			_, err = personSchema.Compile(n)
		}
		var wrong *SyntaxError
		if !errors.As(err, &wrong) || wrong.Pos != pos {
			t.Errorf("%s: %v, want one at %d", q, err, pos)
		}
	}
	only := Schema{Known: []string{"a"}, Bare: []string{"a"}}
	n, _ := Parse("a:1 OR b:2")
	if _, err := only.Compile(n); err == nil || err.(*SyntaxError).Pos != 7 {
		t.Errorf("an unknown field: %v", err)
	}
}

// Whatever is asked: an answer or an error that points into the query, soon.
func FuzzParse(f *testing.F) {
	for _, q := range []string{`name:"a b" AND (x:[1 TO 2} OR -y:*abc*) +z`, `_exists_:a NOT b:\(`, `day:>=2025-12`, "((((((", `f:(a "b" -c)`, "a^b~c", "\uffff*"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		n, err := Parse(q)
		var e *Expr
		if err == nil {
			e, err = personSchema.Compile(n)
		}
		var wrong *SyntaxError
		if err != nil && (!errors.As(err, &wrong) || wrong.Pos < 0 || wrong.Pos > len([]rune(q))) {
			t.Fatalf("%q: %v", q, err)
		}
		if e != nil {
			e.Match(func(path string) []string { return person[path] })
			_ = e.String()
		}
	})
}

// Whatever is JSON has leaves, and the same ones after it was written anew.
func FuzzLeaves(f *testing.F) {
	for _, v := range []string{`{"a":[1,{"b":"\u00e4"}],"c":null}`, `[[[]],"x",-1.5e3]`, `"\ud83d\ude00"`, `{"a":1,"a":[2]}`} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first := Leaves("p", []byte(text), nil)
		var v any
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		if !json.Valid([]byte(text)) || dec.Decode(&v) != nil {
			return
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if second := Leaves("p", again, nil); strings.ToValidUTF8(text, "") == text && !slices.Equal(first, second) {
			t.Errorf("%s: %q\n%s: %q", text, first, again, second)
		}
	})
}
