-- What is kept over an orderly restart of the server.

local version = 1;

local Store = {};
Store.__index = Store;

local function new(guard)
	local driver, err = module:open_store("xmpp_push");
	if not driver then
		module:log("warn", "No storage (%s): what is not acknowledged will not survive a restart of the server", err);
	end
	return setmetatable({ driver = driver, guard = guard }, Store);
end

local function write(store, events, publishing)
	local data = { version = version, events = events:freeze(), publishing = publishing:freeze() };
	if #data.events.entries == 0 and #data.publishing.outcomes == 0 then data = nil; end
	local ok, err = store.driver:set(nil, data);
	if not ok then module:log("error", "What is not acknowledged could not be stored: %s", err); end
end

local function read_and_remove(store, events, publishing)
	local data = store.driver:get(nil);
	if not data then return; end
	if data.version == version then
		events:thaw(data.events);
		publishing:thaw(data.publishing);
		module:log("info", "Took back %d events from before the restart", #data.events.entries);
	end
	store.driver:set(nil, nil);
end

function Store:save(events, publishing)
	if self.driver then self.guard.try("storing", write, self, events, publishing); end
end

function Store:load(events, publishing)
	if self.driver then self.guard.try("reading the store", read_and_remove, self, events, publishing); end
end

return { new = new };
