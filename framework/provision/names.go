package provision

import (
	"crypto/rand"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Labels of everything that can have labels.
const (
	LabelRun     = "wlif-run"
	LabelOwner   = "wlif-owner"
	LabelExpires = "wlif-expires" // unix seconds
)

// namePrefix begins every name of ours.
const namePrefix = "wlif-"

const (
	runIDLetters = "abcdefghijklmnopqrstuvwxyz"
	runIDLength  = 8
)

var (
	runIDPattern = regexp.MustCompile(`^[a-z][a-z0-9]{7}$`)
	ownName      = regexp.MustCompile(`^wlif-([a-z][a-z0-9]{7})-`)
	unlabelable  = regexp.MustCompile(`[^-_0-9a-z]+`)
)

// NewRunID returns a random run id: 8 characters a-z and 0-9, first a letter.
func NewRunID() string {
	// rand.Text has 26 characters of base32 (A-Z, 2-7), each of 5 random bits.
	text := strings.ToLower(rand.Text())
	first := strings.IndexFunc(text, func(r rune) bool { return strings.ContainsRune(runIDLetters, r) })
	if first < 0 || first+runIDLength > len(text) {
		return NewRunID()
	}
	return text[first : first+runIDLength]
}

// ValidRunID reports whether s has the form of a run id.
func ValidRunID(s string) bool { return runIDPattern.MatchString(s) }

// Name is the name of a resource of a run: wlif-<id>-<what>.
func Name(runID, what string) string { return namePrefix + runID + "-" + what }

// RunOf returns the run that a resource belongs to, by its label or its name;
// empty for what is not ours.
func RunOf(name string, labels map[string]string) string {
	if id := labels[LabelRun]; ValidRunID(id) {
		return id
	}
	if m := ownName.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	return ""
}

// Labels are the labels of a run's resources. Characters of owner that labels
// cannot have become dashes (pattern [-_0-9a-z]*, at most 63, of the VPC API).
func Labels(runID, owner string, expires time.Time) map[string]string {
	owner = unlabelable.ReplaceAllString(strings.ToLower(owner), "-")
	if len(owner) > 63 {
		owner = owner[:63]
	}
	return map[string]string{LabelRun: runID, LabelOwner: owner, LabelExpires: strconv.FormatInt(expires.Unix(), 10)}
}

// expiry reads the label; ok is false if there is none.
func expiry(labels map[string]string) (time.Time, bool) {
	n, err := strconv.ParseInt(labels[LabelExpires], 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	return time.Unix(n, 0), true
}
