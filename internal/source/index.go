// Package source finds and fetches what a recipe downloads: the chart of an application version in a repository's index, and files.
package source
