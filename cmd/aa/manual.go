//go:build manual

package main

import "aad/internal/manual"

func init() { manual.Print(newRoot(newApp(), nil)) }
