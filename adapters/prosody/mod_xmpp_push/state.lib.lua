-- The state that survives a reload: plain data, handed from one version of the code and one list of components to the next.
--   shards       for each component, in order, what its parts keep
--   components   their names
--   fences       component -> the greatest fence it has said; also of those that are no longer listed
--   layout       of all this

local new_id = require "util.id".medium;
local freezer = module:require "freezer";

local ipairs = ipairs;

-- To be raised when what the parts keep changes its form.
local layout = 2;

local State = {};
State.__index = State;

-- `lib` has the modules of the parts, `options` is made by options.lib.lua.
local function new(lib, options)
	return setmetatable({ lib = lib, options = options }, State);
end

-- One shard: publishes and requests belong to a component, so what is known of these may be taken over.
local function fresh_shard(self, old)
	local lib, epoch = self.lib, new_id();
	return {
		link = lib.link.fresh(epoch);
		events = lib.events.fresh();
		deferred = lib.deferred.fresh(epoch);
		users = lib.users.fresh();
		publishing = old and old.publishing or lib.publishing.fresh();
		requests = old and old.requests or lib.requests.fresh();
	};
end

-- `old` maps components to what their shards kept under another list.
local function state_of(self, old, fences)
	local state = { components = self.options.components, shards = {}, fences = fences, layout = layout };
	for i, component in ipairs(state.components) do state.shards[i] = fresh_shard(self, old[component]); end
	return state;
end

function State:fresh()
	return state_of(self, {}, {});
end

-- Code that knew of one component only handed over what is one shard now.
local function in_shards(self, state)
	if state.shards then return state; end
	if state.link then return { components = { state.link.component }, shards = { state }, fences = {} }; end
	return self:fresh();
end

-- Adds what code of the link's first version did not know.
local function modern(self, state)
	state = in_shards(self, state);
	for _, shard in ipairs(state.shards) do
		if not shard.deferred then
			shard.deferred = self.lib.deferred.fresh(shard.link.epoch);
			shard.events.again, shard.events.messages = 0, self.lib.messages.fresh(shard.events.bytes);
		end
	end
	return state;
end

local function is_same_list(a, b)
	if #a ~= #b then return false; end
	for i, component in ipairs(a) do
		if b[i] ~= component then return false; end
	end
	return true;
end

-- The list, or the layout, has changed: what was missed moves, and each request is given back, since its answer may come from a
-- service that is no longer the user's.
local function dissolve(self, state)
	local old, moving = {}, freezer.empty();
	for i, component in ipairs(state.components) do
		local shard = state.shards[i];
		local events = self.lib.events.new(shard.events, self.options);
		freezer.freeze(events, self.lib.deferred.new(shard.deferred, events, self.options), moving);
		self.lib.requests.give_back(shard.requests, self.options.host);
		old[component] = shard;
	end
	return old, moving;
end

-- Turns what a reload handed over, or nil, into a state for the present list. Returns with it what has to be thawed, if
-- anything.
function State:take_over(saved)
	if not saved then return self:fresh(); end
	local state = modern(self, saved);
	if state.layout == layout and is_same_list(state.components, self.options.components) then return state; end
	local old, moving = dissolve(self, state);
	return state_of(self, old, state.fences), moving;
end

return { new = new };
