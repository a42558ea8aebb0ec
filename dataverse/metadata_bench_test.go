package dataverse_test

import (
	"fmt"
	"testing"

	"github.com/dynamics-mcp/dynamics-mcp/dataverse"
	"github.com/dynamics-mcp/dynamics-mcp/emulator"
)

// BenchmarkDescribe describes account as a first start does, as a later one, and as a process that runs.
func BenchmarkDescribe(b *testing.B) {
	server := emulator.Start(b)
	describe := func(b *testing.B, c *dataverse.Client) {
		b.Helper()
		if _, err := c.Table(b.Context(), "account"); err != nil {
			b.Fatal(err)
		}
	}
	begin := func(b *testing.B, dir string) (*dataverse.Client, *counting) {
		b.Helper()
		transport := &counting{signedIn: signedIn{server.Token}}
		return open(b, dataverse.Options{URL: server.URL, Transport: transport, CacheDir: dir, Limits: unlimited}), transport
	}
	requests := func(b *testing.B, c *counting) { b.Helper(); b.ReportMetric(float64(c.all.Load()), "requests") }
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			c, transport := begin(b, "")
			describe(b, c)
			requests(b, transport)
		}
	})
	b.Run("from disk", func(b *testing.B) {
		dir := b.TempDir()
		c, _ := begin(b, dir)
		for _, name := range []string{"account", "contact", "opportunity", "email", "incident"} {
			if _, err := c.Table(b.Context(), name); err != nil {
				b.Fatal(err)
			}
		}
		c.Close()
		for b.Loop() {
			c, transport := begin(b, dir)
			describe(b, c)
			requests(b, transport)
		}
	})
	b.Run("in memory", func(b *testing.B) {
		c, transport := begin(b, "")
		describe(b, c)
		transport.all.Store(0)
		for b.Loop() {
			describe(b, c)
		}
		requests(b, transport)
	})
}

// BenchmarkDescribeAll describes all tables of an environment one after the other, and keeps them on disk or not.
func BenchmarkDescribeAll(b *testing.B) {
	server := emulator.Start(b)
	for _, kept := range []bool{false, true} {
		b.Run(fmt.Sprintf("kept=%v", kept), func(b *testing.B) {
			for b.Loop() {
				dir := ""
				if kept {
					dir = b.TempDir()
				}
				c := open(b, dataverse.Options{URL: server.URL, Transport: signedIn{server.Token}, CacheDir: dir, Limits: unlimited})
				tables, err := c.Tables(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				for _, t := range tables {
					if _, err := c.Table(b.Context(), t.LogicalName); err != nil {
						b.Fatal(err)
					}
				}
				c.Close()
			}
		})
	}
}
