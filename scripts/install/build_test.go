package install

var built struct{ dir string }
