package podspec

import "strings"

// Expand replaces $(NAME) by value(NAME), and $$ by $, as the documentation of
// Container.command and EnvVar.value says. A reference to an unknown name stays.
func Expand(input string, value func(name string) (string, bool)) string {
	var out strings.Builder
	for i := 0; i < len(input); i++ {
		if input[i] != '$' || i+1 == len(input) {
			out.WriteByte(input[i])
			continue
		}
		switch input[i+1] {
		case '$':
			out.WriteByte('$')
			i++
		case '(':
			end := strings.IndexByte(input[i:], ')')
			if end < 0 {
				out.WriteByte('$')
				continue
			}
			reference := input[i : i+end+1]
			if v, known := value(reference[2:end]); known {
				out.WriteString(v)
			} else {
				out.WriteString(reference)
			}
			i += end
		default:
			out.WriteByte('$')
		}
	}
	return out.String()
}
