"""The `magic141` subcommands that talk to a service: results on standard output, progress on the error one."""
