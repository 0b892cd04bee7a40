-- The services that share this host (docs/protocol.md, 7): for each a shard, which is the set of parts that serves its
-- users and has nothing in common with the others.

local sha256 = require "util.hashes".sha256;
local freezer = module:require "freezer";

local ipairs, byte, floor = ipairs, string.byte, math.floor;

-- A user's bucket are the first 16 bits of the hash.
local buckets = 0x10000;

local Shards = {};
Shards.__index = Shards;

local function by_hash(list, host)
	local count = #list;
	return function (user)
		local high, low = byte(sha256(user.."@"..host), 1, 2);
		return list[floor((high * 256 + low) * count / buckets) + 1];
	end
end

-- `list` has the shards in the order of their components. `of(user)` gives that of a localpart: where there is only one,
-- nothing is hashed.
local function new(list, host)
	local only = list[1];
	local of = #list == 1 and function () return only; end or by_hash(list, host);
	return setmetatable({ list = list, of = of }, Shards);
end

-- What is missed of all users, as plain data that any other list of shards can take.
function Shards:freeze()
	local all = freezer.empty();
	for _, shard in ipairs(self.list) do freezer.freeze(shard.events, shard.deferred, all); end
	return all;
end

-- Takes back one event of what freeze() or each_deferred() gave.
function Shards:thaw_event(item)
	local shard = self.of(item.user or "");
	freezer.thaw(shard.events, shard.deferred, item);
end

-- Takes back what freeze() gave. What was thrown away cannot be told apart by user any more.
function Shards:thaw(frozen)
	for _, item in ipairs(frozen.entries) do self:thaw_event(item); end
	for _, item in ipairs(frozen.deferred or {}) do self:thaw_event(item); end
	self.list[1].events:add_dropped(frozen.dropped);
end

-- Calls `each(entry, was)` for what is deferred of all users, and what was and has been told again.
function Shards:each_deferred(each)
	for _, shard in ipairs(self.list) do
		shard.events:each_again(each);
		shard.deferred:each(each);
	end
end

-- Whether that has changed since this was last asked.
function Shards:take_changed()
	local is_changed = false;
	for _, shard in ipairs(self.list) do
		is_changed = shard.events:take_again_changed() or is_changed;
		is_changed = shard.deferred:take_changed() or is_changed;
	end
	return is_changed;
end

return { new = new };
