-- Connects this host to xmpp-push, a service for push notifications (XEP-0357) that attaches as a component: one, or
-- several that share the users. docs/protocol.md says how they talk; README.md how to set it up.

local monotonic = require "util.time".monotonic;

local guard = module:require "guard";
local options = module:require "options".read();      -- an error keeps the module from being loaded

local lib = {
	events = module:require "events"; deferred = module:require "deferred"; messages = module:require "messages";
	users = module:require "users"; link = module:require "link";
	sender = module:require "sender"; publishing = module:require "publish"; requests = module:require "requests";
	feed = module:require "feed"; hello = module:require "hello";
	sessions = module:require "sessions"; shards = module:require "shards";
};
local kept_state = module:require "state".new(lib, options);
local store = module:require "store".new(guard);

local state;      -- plain data only: a reload hands it to newer code
local shards;

-- The parts that serve the users of one component.
local function assemble(kept, own)
	local shard = { options = own };
	shard.events = lib.events.new(kept.events, own);
	shard.deferred = lib.deferred.new(kept.deferred, shard.events, own);
	shard.users = lib.users.new(kept.users, own);
	shard.link = lib.link.new(kept.link, own, guard);
	shard.sender = lib.sender.new(shard.link, shard.events, shard.deferred, lib.sessions, own, guard);
	shard.publishing = lib.publishing.new(kept.publishing, shard.link, own);
	shard.requests = lib.requests.new(kept.requests, shard.link, shard.users, shard.sender, lib.sessions, own);
	shard.sender.send_request = function (ref) return shard.requests:send(ref); end
	shard.sender.next_outcome = function () return shard.publishing:send_waiting_outcome(); end
	return shard;
end

local function sweep()
	local now = monotonic();
	for _, shard in ipairs(shards.list) do
		shard.publishing:sweep(now);
		shard.requests:sweep(now);
	end
end

local function listen()
	for _, shard in ipairs(shards.list) do
		lib.hello.listen(shard, state.fences);
		shard.publishing:listen();
		shard.requests:listen();
	end
	lib.link.hook(shards, guard);
	lib.publishing.hook(shards, guard);
	lib.requests.hook(shards, guard);
	lib.feed.hook(shards, lib.sessions, guard);
	module:add_timer(1, function ()
		guard.try("timeouts", sweep);
		return 1;
	end);
	module:add_timer(options.deferred_interval, function ()
		store:save_deferred(shards);
		return options.deferred_interval;
	end);
end

local function save()
	store:save(shards);
end

local function start(kept)
	state = kept;
	local list = {};
	for i, own in ipairs(options.shards) do list[i] = assemble(kept.shards[i], own); end
	shards = lib.shards.new(list, options.host);
	listen();
	-- mod_smacks hands back what sessions did not acknowledge at -90. mod_c2s then waits at -100 for the sessions to
	-- close, in which more may be missed, and in which an impatient supervisor may kill the server: so, twice.
	for _, priority in ipairs { -95, -1000 } do
		module:hook_global("server-stopping", function () save(); end, priority);
	end
end

local function knock()
	for _, shard in ipairs(shards.list) do shard.link:knock(); end
end

function module.load()
	if module.reloading then return; end      -- restore() follows
	start(kept_state:fresh());
	store:load(shards);
	knock();
end

function module.save()
	return { state = state };
end

function module.restore(saved)
	local kept, moving = kept_state:take_over(saved.state);
	start(kept);
	if moving then shards:thaw(moving); end
	knock();
end

-- The host is deactivated or the module unloaded. A reload has its own way.
function module.unload()
	if shards and not module.reloading then save(); end
end
