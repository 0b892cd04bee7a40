-- Events as plain data that a store or another list of shards can take.

local st = require "util.stanza";
local is_journalled = module:require "events".is_journalled;

local ipairs = ipairs;

local function freeze_entry(entry)
	return {
		kind = entry.kind; user = entry.user; resource = entry.resource; count = entry.count; first = entry.first;
		has_content = entry.has_content; message = entry.message and st.preserialize(entry.message);
		was_sent = entry.n ~= nil or nil;
	};
end

-- Adds all of `events` to `frozen`, in the order in which it was missed.
local function freeze(events, frozen)
	local entries = frozen.entries;
	for _, n in ipairs((events:begin_again())) do entries[#entries + 1] = freeze_entry(events:outstanding(n)); end
	for _, entry in ipairs(events:unsent()) do entries[#entries + 1] = freeze_entry(entry); end
	frozen.dropped = frozen.dropped + events:count_dropped();
end

-- Takes back one of the entries that freeze() gave, under a new number. What had been sent stays apart, so that the service
-- knows it again.
local function thaw(events, item)
	local message = item.message and st.deserialize(item.message);
	if item.was_sent and events:resume(item, message) then return; end
	if is_journalled[item.kind] then
		events:drop_waiting(item.user);
		return events:record(item.kind, item.user);
	end
	local entry = events:collapse(item.kind, item.user, item.resource, message, item.has_content);
	entry.count = entry.count + item.count - 1;
	if item.first < entry.first then entry.first = item.first; end
end

return { freeze = freeze; thaw = thaw };
