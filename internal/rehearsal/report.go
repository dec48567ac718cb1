package rehearsal

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"
)

// Checked is what came of a scenario.
type Checked struct {
	File        string       `json:"file"`
	Title       string       `json:"title,omitempty"`
	Passed      bool         `json:"passed"`
	Updated     bool         `json:"updated,omitempty"` // the file wants now what came
	Error       string       `json:"error,omitempty"`   // it could not be run
	Differences []Difference `json:"differences,omitempty"`
	Millis      float64      `json:"duration_ms"`
	Result      *Result      `json:"result,omitempty"`
}

// Failed tells whether the scenario did not come out as it should.
func (c Checked) Failed() bool { return !c.Passed && !c.Updated }

// PrintChecked tells people what came of a scenario. One that passed is told only when all are.
func PrintChecked(w io.Writer, c Checked, paint Paint, all bool) {
	name := plain(c.File)
	if c.Title != "" {
		name += paint.Of("dim", "  "+plain(c.Title))
	}
	switch {
	case c.Updated:
		fmt.Fprintf(w, "%s %s\n", paint.Of("warn", "updated"), name)
		return
	case c.Passed:
		if all {
			fmt.Fprintf(w, "%s %s %s\n", paint.Of("good", "passed "), name, paint.Of("dim", fmt.Sprintf("%.1f ms", c.Millis)))
		}
		return
	}
	fmt.Fprintf(w, "%s %s\n", paint.Of("bad", "failed "), name)
	if c.Error != "" {
		fmt.Fprintf(w, "    %s\n", plain(c.Error))
	}
	for _, d := range c.Differences {
		fmt.Fprintf(w, "    %s\n      %s\n      %s\n", plain(d.Path), paint.Of("bad", "want "+shownValue(d.Want)), paint.Of("good", "got  "+shownValue(d.Got)))
	}
	if c.Result != nil && len(c.Differences) > 0 {
		if e := c.Result.Error; e != nil {
			fmt.Fprintf(w, "    %s\n", paint.Of("dim", said(e)))
		}
		for _, l := range c.Result.Console {
			fmt.Fprintf(w, "    %s\n", paint.Of("dim", "console "+plain(l.Level+" "+l.Text)))
		}
	}
}

func shownValue(v any) string {
	if v == nil {
		return "nothing"
	}
	return plain(compact(v))
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes what came of scenarios as JUnit's XML, which build servers read.
func JUnit(w io.Writer, all []Checked, took time.Duration) error {
	seconds := func(ms float64) string { return fmt.Sprintf("%.3f", ms/1000) }
	s := junitSuite{Name: "stagedoor script test", Tests: len(all), Time: seconds(millis(took))}
	for _, c := range all {
		one := junitCase{Class: "scenarios", Name: c.File, Time: seconds(c.Millis)}
		if c.Failed() {
			s.Failures++
			f := &junitFailure{Message: c.Error}
			for _, d := range c.Differences {
				if f.Message == "" {
					f.Message = d.Path + " differs"
				}
				f.Text += fmt.Sprintf("%s\n  want %s\n  got  %s\n", d.Path, shownValue(d.Want), shownValue(d.Got))
			}
			one.Failure = f
		}
		s.Cases = append(s.Cases, one)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(s); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
