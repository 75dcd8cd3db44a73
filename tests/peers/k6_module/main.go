// Command k6 is the load-testing tool k6, built from its module.
package main

import "go.k6.io/k6/cmd"

func main() {
	cmd.Execute()
}
