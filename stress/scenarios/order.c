// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios about the order of memfd and iommufds. The kernel finishes a session's files in the
 * reverse of the order in which they were preserved, so the order of preserve is the order of
 * finish too.
 */
#include "../agent/agent.h"
#include "scenarios.h"

static int preserve_in_order(struct agent *a, uint32_t iommufds_before_memory)
{
	int err;

	event_stage(&a->log, "preserve", true);
	world_sign(&a->w, a->log.cycle + 1);
	err = agent_error(a, "preserve", world_keys(&a->w, a->state->keys));
	if (!err)
		err = agent_session_create(a);
	if (!err)
		err = agent_error(a, "preserve", world_mark(&a->w));
	for (uint32_t i = 0; !err && i <= a->w.iommufds; i++) {
		if (i == iommufds_before_memory)
			err = agent_error(a, "preserve", world_preserve_memory(&a->w, a->session));
		if (!err && i < a->w.iommufds)
			err = agent_error(a, "preserve",
					  world_preserve_iommufd(&a->w, a->session, i));
	}
	if (!err)
		event_stage(&a->log, "preserve", false);
	return err;
}

int order_iommufd_first_preserve(struct agent *a)
{
	return preserve_in_order(a, a->w.iommufds);
}

int order_between_preserve(struct agent *a)
{
	return preserve_in_order(a, a->w.iommufds / 2);
}

int order_iommufd_first_retrieve(struct agent *a)
{
	int err;

	event_stage(&a->log, "retrieve", true);
	err = agent_session_retrieve(a);
	if (!err)
		err = agent_error(a, "retrieve", world_retrieve_iommufds(&a->w, a->session));
	if (!err)
		err = agent_error(a, "retrieve", world_retrieve_domains(&a->w));
	if (!err)
		err = agent_error(a, "retrieve", world_restore_devices(&a->w, a->state->keys));
	/* The memory is in nobody's hands yet, and the devices can read it all the same. */
	if (!err)
		err = agent_verify(a, "translate-no-memfd");
	if (!err)
		err = agent_error(a, "retrieve", world_retrieve_memory(&a->w, a->session));
	if (!err)
		event_stage(&a->log, "retrieve", false);
	return err;
}
