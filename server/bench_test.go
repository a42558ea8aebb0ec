package server

import "testing"

// BenchmarkNew is what start-up pays for the catalogue.
func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := New(Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
