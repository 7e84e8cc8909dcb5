// Package examples holds desired-state files and a demonstration, which its test runs.
package examples
