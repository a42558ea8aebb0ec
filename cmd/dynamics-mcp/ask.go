package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/dynamics-mcp/dynamics-mcp/tools"
)

// terminal puts questions to whoever sits at it, wherever the standard streams go.
type terminal struct {
	refused error // why the last question got no yes
}

// ask is a tools.Ask.
func (t *terminal) ask(ctx context.Context, question string) tools.Answer {
	in, out, err := openTerminal()
	if err != nil {
		t.refused = fmt.Errorf("nothing was changed, as there is no terminal to ask on; --yes goes ahead without: %s", question)
		return tools.Dismissed
	}
	if _, t.refused = fmt.Fprintf(out, "%s [y/N] ", question); t.refused != nil {
		return tools.Dismissed
	}
	line := make(chan string, 1)
	go func() { // outlives an interrupted question: not every system can end a read from a terminal
		text, _ := bufio.NewReader(in).ReadString('\n')
		line <- text
	}()
	select {
	case text := <-line:
		if yes := strings.ToLower(strings.TrimSpace(text)); yes == "y" || yes == "yes" {
			return tools.Agreed
		}
		t.refused = errors.New("nothing was changed, as you did not say yes")
		return tools.Declined
	case <-ctx.Done():
		t.refused = context.Cause(ctx)
		return tools.Dismissed
	}
}

// openTerminal opens the terminal that the process belongs to. It stays open until the process ends, which is soon.
func openTerminal() (in, out *os.File, err error) {
	if runtime.GOOS != "windows" {
		in, err = os.OpenFile("/dev/tty", os.O_RDWR, 0)
		return in, in, err
	}
	if in, err = os.OpenFile("CONIN$", os.O_RDWR, 0); err != nil {
		return nil, nil, err
	}
	out, err = os.OpenFile("CONOUT$", os.O_RDWR, 0)
	return in, out, err
}
