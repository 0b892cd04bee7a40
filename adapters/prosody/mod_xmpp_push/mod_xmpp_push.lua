-- Connects this host to xmpp-push, a service for push notifications (XEP-0357) that attaches as a component.
-- docs/protocol.md says how the two talk; README.md how to set it up.

local new_id = require "util.id".medium;
local monotonic = require "util.time".monotonic;

local guard = module:require "guard";
local options = module:require "options".read();      -- an error keeps the module from being loaded

local lib = {
	events = module:require "events"; users = module:require "users"; link = module:require "link";
	sender = module:require "sender"; publishing = module:require "publish"; requests = module:require "requests";
	feed = module:require "feed"; hello = module:require "hello";
};
local store = module:require "store".new(guard);

local state;      -- plain data only: a reload hands it to newer code
local parts;

local function fresh_state()
	return {
		link = lib.link.fresh(new_id(), options.component);
		events = lib.events.fresh();
		users = lib.users.fresh();
		publishing = lib.publishing.fresh();
		requests = lib.requests.fresh();
	};
end

local function assemble()
	local p = { options = options; guard = guard; sessions = module:require "sessions"; content = module:require "content" };
	p.events = lib.events.new(state.events, options);
	p.users = lib.users.new(state.users);
	p.link = lib.link.new(state.link, options, guard);
	p.sender = lib.sender.new(p.link, p.events, p.sessions, options, guard);
	p.publishing = lib.publishing.new(state.publishing, p.link, options, guard);
	p.requests = lib.requests.new(state.requests, p.link, p.users, options, guard);
	p.feed = lib.feed.new(p);
	p.sender.next_outcome = function () return p.publishing:send_waiting_outcome(); end
	return p;
end

local function listen()
	parts.link:listen();
	lib.hello.listen(parts);
	parts.publishing:listen();
	parts.requests:listen();
	parts.feed:listen();
	module:add_timer(1, function ()
		guard.try("timeouts", function ()
			local now = monotonic();
			parts.publishing:sweep(now);
			parts.requests:sweep(now);
		end);
		return 1;
	end);
end

local function save()
	store:save(parts.events, parts.publishing);
end

local function start(kept)
	state = kept;
	parts = assemble();
	listen();
	-- mod_smacks hands back what sessions did not acknowledge at -90. mod_c2s then waits at -100 for the sessions to
	-- close, in which more may be missed, and in which an impatient supervisor may kill the server: so, twice.
	for _, priority in ipairs { -95, -1000 } do
		module:hook_global("server-stopping", function () save(); end, priority);
	end
	parts.link:knock();
end

function module.load()
	if module.reloading then return; end      -- restore() follows
	start(fresh_state());
	store:load(parts.events, parts.publishing);
end

function module.save()
	return { state = state };
end

function module.restore(saved)
	local kept = saved.state or fresh_state();
	if kept.link.component ~= options.component then
		kept.link.component = options.component;
		kept.users = lib.users.fresh();      -- said by another service
	end
	start(kept);
end

-- The host is deactivated or the module unloaded. A reload has its own way.
function module.unload()
	if parts and not module.reloading then save(); end
end
