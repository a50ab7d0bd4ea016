package exchange

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestRefusalsAreSeenToBreakTheirForm(t *testing.T) {
	parts := strings.Split(canary, ".")
	for _, tc := range []struct{ name, answer, want string }{
		{"as it should be", `{"error":"invalid_target","error_description":"no"}`, ""},
		{"a code of its own", `{"error":"NOT_LINKED","error_description":"no"}`, `"NOT_LINKED" is none of invalid_request`},
		{"no description", `{"error":"invalid_request"}`, "no error_description"},
		{"a blank description", `{"error":"invalid_request","error_description":" "}`, "no error_description"},
		{"the token", `{"error":"invalid_request","error_description":"no: ` + canary + `"}`, "repeats the subject token"},
		{"its header", `{"error":"invalid_request","error_description":"no","token":"` + parts[0] + `"}`, "repeats the subject token"},
		{"a part too short to tell", `{"error":"invalid_request","error_description":"token"}`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := serve(t, 400, jsonType, tc.answer).Exchange(t.Context(), Form(canary, "aje1"))
			var refused *Refusal
			if !errors.As(err, &refused) {
				t.Fatalf("error = %v", err)
			}
			found := strings.Join(refused.Breaches(), "; ")
			if !strings.Contains(found, tc.want) || tc.want == "" && found != "" {
				t.Errorf("breaches %q, want %q", found, tc.want)
			}
			if strings.Contains(fmt.Sprint(found, *refused), parts[0]) {
				t.Errorf("the token is told: %s", found)
			}
		})
	}
}
