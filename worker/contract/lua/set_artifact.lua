-- ARGV: id, token, field, key

if get(ARGV[1], 'token') ~= ARGV[2] or get(ARGV[1], 'state') ~= 'running' then return 0 end
if get(ARGV[1], ARGV[3]) == ARGV[4] then return 1 end
redis.call('HSET', JOB .. ARGV[1], ARGV[3], ARGV[4])
emit(ARGV[1], 'artifact', {id = ARGV[1], artifact = string.gsub(ARGV[3], '_key$', '') .. ''})
return 1
