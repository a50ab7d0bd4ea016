package exchange

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// BothSides comes between what String says and all that was compared, so that a page
// with a table of its own can leave the rest out.
const BothSides = " Compared:"

// String says in one line what differs first, what to do, and what both sides
// are. It has nothing of the token but its claims.
func (e Explanation) String() string {
	var text strings.Builder
	if first, ok := e.First(); ok {
		fmt.Fprintf(&text, "%s: %s. %s", first.Name, first.Text, first.Remedy)
		for _, d := range e.Differences[1:] {
			fmt.Fprintf(&text, " Also %s: %s.", d.Name, d.Text)
		}
	} else {
		text.WriteString("the token is what the federation and the credential demand, as far as its claims tell.")
	}
	text.WriteString(BothSides)
	for _, row := range e.Rows() {
		fmt.Fprintf(&text, " %s: token %s, setup %s;", row.About, row.Token, row.Setup)
	}
	return strings.TrimSuffix(text.String(), ";")
}

// Table sets both sides beside each other, one line for each thing that is
// compared, with an arrow at the first difference.
func (e Explanation) Table() string {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(table, "\tthe token\tthe cloud\t\n")
	for _, row := range e.Rows() {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", row.About, row.Token, row.Setup, row.mark())
	}
	_ = table.Flush() // a Builder takes everything
	var trimmed strings.Builder
	for line := range strings.Lines(out.String()) {
		trimmed.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return trimmed.String()
}

// Row is one thing that is compared, with both sides as they are shown.
type Row struct {
	About, Token, Setup string
	// Difference names how the two differ; empty if they do not. First is the one to
	// mend first.
	Difference string
	First      bool
}

func (r Row) mark() string {
	switch {
	case r.Difference == "":
		return ""
	case r.First:
		return "<-- " + r.Difference
	}
	return "(also: " + r.Difference + ")"
}

// Rows are all things that are compared, in the order of the table.
func (e Explanation) Rows() []Row {
	at := func(t time.Time) string {
		if t.IsZero() {
			return "none"
		}
		return t.UTC().Format(time.RFC3339)
	}
	enabled, account := "enabled", "active"
	if e.Link.Disabled {
		enabled = "disabled"
	}
	if e.setup.Suspended {
		account = "suspended"
	}
	if !e.setup.Expires.IsZero() {
		account += " until " + at(e.setup.Expires)
	}
	expiry := at(e.Claims.Expires)
	if e.Claims.NotBefore.After(e.now) {
		expiry += ", valid from " + at(e.Claims.NotBefore)
	}
	rows := []Row{
		{About: aboutExpiry, Token: expiry, Setup: "it is " + at(e.now)},
		{About: aboutAccount, Setup: e.setup.ServiceAccountID + ", " + account},
		{About: aboutCredential, Setup: e.credential()},
		{About: aboutFederation, Setup: cmp.Or(e.Link.FederationID, "none") + ", " + enabled},
		{About: aboutIssuer, Token: shown(e.Claims.Issuer), Setup: shown(e.Link.Issuer)},
		{About: aboutKey, Token: shown(e.Claims.KeyID), Setup: e.Link.Keys.String()},
		{About: aboutAudience, Token: shown(e.Claims.Audience...), Setup: shown(e.Link.Audiences...)},
		{About: aboutSubject, Token: shown(e.Claims.Subject), Setup: shown(e.Link.Subject)},
	}
	for i := range rows {
		rows[i].Token = cmp.Or(rows[i].Token, "-")
		for n, d := range e.Differences {
			if d.About == rows[i].About && rows[i].Difference == "" {
				rows[i].Difference, rows[i].First = d.Name, n == 0
			}
		}
	}
	return rows
}

func (e Explanation) credential() string {
	switch e.Link.ServiceAccountID {
	case "":
		return "none"
	case e.setup.ServiceAccountID:
		return "of this account"
	}
	return "of " + e.Link.ServiceAccountID
}

// shown quotes texts, so that a space at an end is seen.
func shown(texts ...string) string {
	var quoted []string
	for _, t := range texts {
		if t != "" {
			quoted = append(quoted, fmt.Sprintf("%q", t))
		}
	}
	return cmp.Or(strings.Join(quoted, ", "), "none")
}
