package seed

import (
	"encoding/hex"
	"time"
)

// neverOverwritten is overwritetime of a solution component that no solution has overwritten.
const neverOverwritten = "1900-01-01T00:00:00Z"

// stamp writes a time as the store keeps it.
func stamp(t time.Time) string { return t.Format("2006-01-02T15:04:05Z") }

// day writes a date as the store keeps the columns without a time.
func day(t time.Time) string { return t.Format(time.DateOnly) }

// id is the n-th id of a kind: always the same, and unlike every other.
func id(kind string, n int) string {
	state := uint64(14695981039346656037) // FNV-1a
	for i := range len(kind) {
		state = (state ^ uint64(kind[i])) * 1099511628211
	}
	state = mix(state) + uint64(n)
	high, low := mix(state), mix(state^0x9e3779b97f4a7c15)
	var raw [16]byte
	for i := range 8 {
		raw[i], raw[8+i] = byte(high>>(8*i)), byte(low>>(8*i))
	}
	raw[6] = raw[6]&0x0f | 0x40 // a random (version 4) id by its form
	raw[8] = raw[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[:8], raw[:4])
	hex.Encode(text[9:13], raw[4:6])
	hex.Encode(text[14:18], raw[6:8])
	hex.Encode(text[19:23], raw[8:10])
	hex.Encode(text[24:], raw[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

// mix scatters the bits of x (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
