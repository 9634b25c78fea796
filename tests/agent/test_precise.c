// SPDX-License-Identifier: GPL-2.0-only
/* When a case ends before its budget, and when it does not. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <flbench/stats.h>

#include "precise.h"

#define ROOM 20

static const char *const names[] = { "blackout", "preserve", NULL };

static struct agent_state *make(struct precise *p)
{
	struct agent_state *s = calloc(1, state_size(3, 2, ROOM));

	assert_non_null(s);
	s->devices = 3;
	s->series = precise_count(names);
	s->room = ROOM;
	*p = (struct precise){ .names = names };
	assert_int_equal(s->series, 2);
	return s;
}

/* One kernel's values, and the decision in it. */
static int cycle(struct precise *p, struct agent_state *s, double blackout, double preserve,
		 bool last, double half[])
{
	precise_take(p, "blackout", blackout);
	precise_take(p, "boot", 1e9);
	if (preserve)
		precise_take(p, "preserve", preserve);
	precise_keep(p, s);
	return precise_decide(p, s, 1, last, half);
}

/* Equal values are precise as soon as there are enough, and not before. */
static void precise_at_once(void **state)
{
	double half[STATE_SERIES_MAX];
	struct precise p;
	struct agent_state *s = make(&p);

	for (int i = 1; i < RESULTS_PRECISE_MIN; i++)
		assert_int_equal(cycle(&p, s, 1000, 10, false, half), PRECISE_GO_ON);
	assert_int_equal(cycle(&p, s, 1000, 10, false, half), PRECISE_REACHED);
	assert_true(half[0] == 0 && half[1] == 0);
	free(s);
}

/* As long as one is not, the other ones wait. */
static void all_of_them(void **state)
{
	double half[STATE_SERIES_MAX];
	struct precise p;
	struct agent_state *s = make(&p);
	int ret = PRECISE_GO_ON, i;

	for (i = 0; i < 10; i++)
		assert_int_equal(cycle(&p, s, 1000, i % 2 ? 10 : 12, false, half), PRECISE_GO_ON);
	assert_true(half[0] == 0 && half[1] > 1);
	assert_int_equal(precise_decide(&p, s, 1, true, half), PRECISE_BUDGET);
	/* Both within 10 %, and one within 1 %. */
	assert_int_equal(precise_decide(&p, s, 10, false, half), PRECISE_REACHED);
	free(s);

	s = make(&p);
	for (i = 0; ret == PRECISE_GO_ON && i < ROOM; i++)
		ret = cycle(&p, s, 1000, i % 2 ? 1000 : 1020, false, half);
	assert_int_equal(ret, PRECISE_REACHED);
	assert_true(i > RESULTS_PRECISE_MIN && i < 10 && half[1] <= 1);
	free(s);
}

/* A value far off stays, and makes the interval as wide as it does. */
static void outlier_is_kept(void **state)
{
	double half[STATE_SERIES_MAX];
	struct precise p;
	struct agent_state *s = make(&p);

	for (int i = 0; i < ROOM; i++)
		assert_int_equal(cycle(&p, s, i == 2 ? 5000 : 1000, 0, i == ROOM - 1, half),
				 i == ROOM - 1 ? PRECISE_BUDGET : PRECISE_GO_ON);
	assert_int_equal(s->nr_values[0], ROOM);
	assert_true(state_values(s, 0)[2] == 5000);
	assert_true(half[0] > 30 && isnan(half[1]));
	/* There is no room for more, and none is taken. */
	assert_int_equal(cycle(&p, s, 7, 0, true, half), PRECISE_BUDGET);
	assert_int_equal(s->nr_values[0], ROOM);
	free(s);
}

/* Values of one kernel are one value; a metric that never comes is left aside; nothing at all is nothing. */
static void what_counts(void **state)
{
	double half[STATE_SERIES_MAX];
	struct precise p;
	struct agent_state *s = make(&p);

	assert_int_equal(precise_decide(&p, s, 1, false, half), PRECISE_GO_ON);
	assert_int_equal(precise_decide(&p, s, 1, true, half), PRECISE_UNMEASURED);
	for (int i = 0; i < RESULTS_PRECISE_MIN; i++) {
		precise_take(&p, "blackout", 900);
		assert_int_equal(cycle(&p, s, 1100, 0, false, half),
				 i == RESULTS_PRECISE_MIN - 1 ? PRECISE_REACHED : PRECISE_GO_ON);
	}
	assert_int_equal(s->nr_values[0], RESULTS_PRECISE_MIN);
	assert_true(state_values(s, 0)[0] == 1000);
	free(s);
	/* A case that does not ask keeps nothing. */
	p = (struct precise){ 0 };
	precise_take(&p, "blackout", 1);
	assert_int_equal(p.nr[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(precise_at_once),
		cmocka_unit_test(all_of_them),
		cmocka_unit_test(outlier_is_kept),
		cmocka_unit_test(what_counts),
	};

	return cmocka_run_group_tests_name("precise", tests, NULL, NULL);
}
