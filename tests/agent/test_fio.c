// SPDX-License-Identifier: GPL-2.0-only
/* What fio says of a block, as fio 3.33 says it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fio.h"

static void blocks(void **state)
{
	uint64_t lba = 0;

	assert_true(fio_block("crc32c: verify failed at file 0000:00:01.0 offset 24322048, length 4096 (requested block: offset=24322048, length=4096)",
			      &lba));
	assert_int_equal(lba, 47504);
	/* In the block, then in the file. */
	assert_true(fio_block("fio: got pattern '01', wanted '00'. Bad bits 1 fio: bad pattern block offset 256 pattern: verify failed at file 0000:00:01.0 offset 16779776, length 512",
			      &lba));
	assert_int_equal(lba, 32773);
	assert_false(fio_block("fio: bad pattern block offset 256", &lba));
	assert_false(fio_block("verify failed at file 0000:00:01.0", &lba));
	assert_false(fio_block("", &lba));
	assert_int_equal(lba, 32773);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
