package exchange

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

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
	for _, row := range e.rows() {
		fmt.Fprintf(&text, " %s: token %s, setup %s;", row.about, row.token, row.setup)
	}
	return strings.TrimSuffix(text.String(), ";")
}

// Table sets both sides beside each other, one line for each thing that is
// compared, with an arrow at the first difference.
func (e Explanation) Table() string {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(table, "\tthe token\tthe cloud\t\n")
	for _, row := range e.rows() {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", row.about, row.token, row.setup, row.mark)
	}
	_ = table.Flush() // a Builder takes everything
	var trimmed strings.Builder
	for line := range strings.Lines(out.String()) {
		trimmed.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return trimmed.String()
}

type row struct{ about, token, setup, mark string }

func (e Explanation) rows() []row {
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
	expiry := at(e.Claims.Expires)
	if e.Claims.NotBefore.After(e.now) {
		expiry += ", valid from " + at(e.Claims.NotBefore)
	}
	rows := []row{
		{about: aboutExpiry, token: expiry, setup: "it is " + at(e.now)},
		{about: aboutAccount, setup: e.setup.ServiceAccountID + ", " + account},
		{about: aboutCredential, setup: e.credential()},
		{about: aboutFederation, setup: cmp.Or(e.Link.FederationID, "none") + ", " + enabled},
		{about: aboutIssuer, token: shown(e.Claims.Issuer), setup: shown(e.Link.Issuer)},
		{about: aboutKey, token: shown(e.Claims.KeyID), setup: e.Link.Keys.String()},
		{about: aboutAudience, token: shown(e.Claims.Audience...), setup: shown(e.Link.Audiences...)},
		{about: aboutSubject, token: shown(e.Claims.Subject), setup: shown(e.Link.Subject)},
	}
	for i := range rows {
		rows[i].token = cmp.Or(rows[i].token, "-")
		for n, d := range e.Differences {
			switch {
			case d.About != rows[i].about || rows[i].mark != "":
			case n == 0:
				rows[i].mark = "<-- " + d.Name
			default:
				rows[i].mark = "(also: " + d.Name + ")"
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
