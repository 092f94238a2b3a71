// Package docs holds nothing but tests: that README.md and the pages of docs say what the
// programs do. They compare tables of keys, options, exit codes and variables with the code,
// names of tests with the tests that there are, sentences of the log with those that the
// programs can say, and look whether links lead somewhere.
package docs
