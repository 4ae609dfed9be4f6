-- Every request carries another of the given cookies, in turn. The file named by COOKIES has one a line.
local cookies, next_one = {}, 0
local file = os.getenv("COOKIES")

function init(arguments)
  for line in io.lines(file) do
    cookies[#cookies + 1] = wrk.format("GET", nil, { ["Cookie"] = line, ["User-Agent"] = "wrk" })
  end
end

function request()
  next_one = next_one % #cookies + 1
  return cookies[next_one]
end
