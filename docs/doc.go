// Package docs is the documentation. It has no code but its tests: they run what the pages
// show, and compare what they say with the code.
package docs
