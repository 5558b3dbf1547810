// Command aa is the client of aad: it queues tasks, shows how they go and asks
// for what people may ask for.
//
// It holds no logic: every command reads flags, calls the daemon through package
// client and prints. It never opens the database and never runs an agent.
//
// Read main, then newRoot; each command stands in the file of its noun.
package main

import (
	"os"
)

func main() { os.Exit(run(os.Args[1:])) }

// run is one call of aa; it returns the exit code.
func run(args []string) (code int) {
	a := newApp()
	defer func() {
		if v := recover(); v != nil {
			if os.Getenv("AA_DEBUG") != "" {
				panic(v)
			}
			code = a.fail(errPanic)
		}
	}()
	root := newRoot(a, args)
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	if err := root.Execute(); err != nil {
		return a.fail(err)
	}
	return 0
}
