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

// askTerminal puts a question to whoever sits at the terminal, wherever the standard streams go. Anything but a yes
// is an error, so that a script does not go on as if something had been done.
func askTerminal(ctx context.Context, question string) (tools.Answer, error) {
	in, out, err := openTerminal()
	if err != nil {
		return tools.Unanswered, fmt.Errorf("nothing was changed, as there is no terminal to ask on; --yes goes ahead without: %s", question)
	}
	if _, err := fmt.Fprintf(out, "%s [y/N] ", question); err != nil {
		return tools.Unanswered, err
	}
	line := make(chan string, 1)
	go func() { // outlives an interrupted question: not every system can end a read from a terminal
		text, _ := bufio.NewReader(in).ReadString('\n')
		line <- text
	}()
	select {
	case text := <-line:
		if yes := strings.ToLower(strings.TrimSpace(text)); yes == "y" || yes == "yes" {
			return tools.Agreed, nil
		}
		return tools.Declined, errors.New("nothing was changed, as you did not say yes")
	case <-ctx.Done():
		return tools.Dismissed, context.Cause(ctx)
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
