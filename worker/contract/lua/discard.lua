-- ARGV: id

discard(ARGV[1])
