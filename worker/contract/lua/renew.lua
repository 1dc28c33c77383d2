-- ARGV: id, token, lease ms

if get(ARGV[1], 'token') ~= ARGV[2] then return 0 end
if terminal(get(ARGV[1], 'state')) then return 0 end
redis.call('SET', JOB .. ARGV[1] .. ':lease', ARGV[2], 'PX', ARGV[3])
return 1
