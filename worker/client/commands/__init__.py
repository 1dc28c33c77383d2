"""What `magic141 submit` and kin do: results go to standard output, progress and errors to standard error."""
