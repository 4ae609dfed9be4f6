-- Sends the given requests in turn, byte for byte. The file named by REQUESTS has them, a NUL after each.
local requests, next_one = {}, 0

function init(arguments)
  local file = assert(io.open(os.getenv("REQUESTS"), "rb"))
  for request in file:read("*a"):gmatch("([^%z]+)%z") do
    requests[#requests + 1] = request
  end
end

function request()
  next_one = next_one % #requests + 1
  return requests[next_one]
end
