-- A storage driver for tests: it fails at the first thing that it shall write, and then is Prosody's own.

local internal = require "core.storagemanager".load_driver(module.host, "internal");

local has_failed = false;

module:provides("storage", {
	open = function (_, ...)
		local store = internal:open(...);
		local hiccup = setmetatable({}, { __index = store });
		function hiccup:set(...)      -- luacheck: ignore 432/self
			if has_failed then return store:set(...); end
			has_failed = true;
			error("hiccup");
		end
		return hiccup;
	end;
});
