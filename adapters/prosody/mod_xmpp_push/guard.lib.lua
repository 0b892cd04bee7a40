-- A fault in this module must never reach the server: Prosody runs handlers unprotected, and a message whose
-- handler fails is lost.

local xpcall = require "util.xpcall".xpcall;
local traceback = debug.traceback;

-- Runs `f` and says whether it came through, then what it returned.
local function try(name, f, ...)
	local ok, result, more = xpcall(f, traceback, ...);
	if not ok then module:log("error", "A fault while handling %s: %s", name, result); end
	return ok, result, more;
end

-- `f` as a handler; after a fault it returns nil, so that the server goes on as if it was not there.
local function wrap(name, f)
	return function (...)
		local ok, result = try(name, f, ...);
		if ok then return result; end
	end
end

return { try = try; wrap = wrap };
