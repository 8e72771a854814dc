package upload

// What the tests look at inside.
var (
	Merge = merge
	Split = split
)
