package odata

// Walk calls fn for e and, where fn returns true, for what is below it, from left to right.
func Walk(e Expr, fn func(Expr) bool) {
	if e == nil || !fn(e) {
		return
	}
	switch x := e.(type) {
	case *Unary:
		Walk(x.X, fn)
	case *Binary:
		Walk(x.L, fn)
		Walk(x.R, fn)
	case *Call:
		for _, a := range x.Args {
			Walk(a.Value, fn)
		}
	case *Lambda:
		Walk(x.Body, fn)
	case *List:
		for _, item := range x.Items {
			Walk(item, fn)
		}
	}
}
