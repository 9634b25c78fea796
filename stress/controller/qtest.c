// SPDX-License-Identifier: GPL-2.0-only
/* QEMU's qtest protocol, as far as it is needed; see the header. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <flbench/edu_regs.h>

#include "qtest.h"
#include "util.h"

int qtest_open(struct qtest *qtest, int fd)
{
	/* One stream for both ways would lose answers that it has read ahead. */
	FILE *answers = fdopen(fd, "r");

	if (!answers)
		return -errno;
	*qtest = (struct qtest){ .fd = fd, .answers = answers };
	return 0;
}

void qtest_close(struct qtest *qtest)
{
	if (qtest->answers)
		fclose(qtest->answers);
	*qtest = (struct qtest){ .fd = -1 };
}

/* Send a command; the answer, behind its "OK", goes to @line. */
static int call(struct qtest *qtest, char *line, size_t size)
{
	if (write_all(qtest->fd, line, strlen(line)))
		return -EPIPE;
	/* Interrupts may be announced before the answer. */
	while (fgets(line, size, qtest->answers))
		if (strncmp(line, "IRQ ", 4))
			return strncmp(line, "OK", 2) ? -EPROTO : 0;
	return -EPIPE;
}

int qtest_write64(struct qtest *qtest, uint64_t address, uint64_t value)
{
	char line[256];

	snprintf(line, sizeof(line), "writeq 0x%" PRIx64 " 0x%" PRIx64 "\n", address, value);
	return call(qtest, line, sizeof(line));
}

int qtest_write32(struct qtest *qtest, uint64_t address, uint32_t value)
{
	char line[256];

	snprintf(line, sizeof(line), "writel 0x%" PRIx64 " 0x%" PRIx32 "\n", address, value);
	return call(qtest, line, sizeof(line));
}

int qtest_read32(struct qtest *qtest, uint64_t address, uint32_t *value)
{
	char line[256];
	int err;

	snprintf(line, sizeof(line), "readl 0x%" PRIx64 "\n", address);
	err = call(qtest, line, sizeof(line));
	if (!err && sscanf(line, "OK %" SCNx32, value) != 1)
		err = -EPROTO;
	return err;
}

int qtest_edu_dma(struct qtest *qtest, uint64_t bar, uint64_t iova, uint32_t offset, uint32_t bytes,
		  int to_memory)
{
	struct edu_write writes[EDU_DMA_WRITES];
	int err = edu_dma_writes(writes, iova, offset, bytes, to_memory, 0);

	for (int i = 0; !err && i < EDU_DMA_WRITES; i++)
		err = qtest_write64(qtest, bar + writes[i].offset, writes[i].value);
	return err;
}
