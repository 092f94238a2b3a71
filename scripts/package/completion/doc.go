// Package completion holds the completion for bash of both programs. Its tests have bash complete
// command lines, and compare the options with those that the programs take.
package completion
