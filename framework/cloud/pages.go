package cloud

// All reads all pages of a list: page gets a token ("" for the first page) and
// returns the page and the token of the next ("" after the last).
func All[T any](page func(token string) (items []T, next string, err error)) ([]T, error) {
	var all []T
	for token := ""; ; {
		items, next, err := page(token)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		// A server that repeats a token would be asked for ever.
		if next == "" || next == token {
			return all, nil
		}
		token = next
	}
}
