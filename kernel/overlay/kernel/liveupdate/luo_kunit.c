// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of KHO's and LUO's side of the new kernel: what happens with
 * incoming data, good and bad. The data of a previous kernel is made up here, in
 * memory that looks like preserved memory to KHO, so all of it runs in one boot.
 * Real kexecs are left to tools/testing/selftests/liveupdate.
 *
 * Needs kho=on and liveupdate=on on the kernel command line.
 */

#include <kunit/test.h>

#include <linux/anon_inodes.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/block.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho/abi/luo.h>
#include <linux/kho/abi/memfd.h>
#include <linux/liveupdate.h>
#include <linux/memfd.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/timex.h>
#include <uapi/linux/memfd.h>

#include "kexec_handover_internal.h"
#include "luo_internal.h"

static int luo_test_init(struct kunit *test)
{
	if (!kho_is_enabled() || !liveupdate_enabled())
		kunit_skip(test, "needs kho=on and liveupdate=on");

	return 0;
}

/* A page as if the previous kernel had preserved it, zeroed. */
static void *luo_test_preserved(struct kunit *test, unsigned int order)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_ZERO, order);

	KUNIT_ASSERT_NOT_NULL(test, page);
	kho_kunit_make_restorable(page, order);

	return page_address(page);
}

/*
 * kho_is_restorable()
 */

static void kho_test_restorable(struct kunit *test)
{
	static const unsigned int orders[] = { 0, 1, 3, MAX_PAGE_ORDER };

	for (int i = 0; i < ARRAY_SIZE(orders); i++) {
		unsigned int order = orders[i];
		phys_addr_t phys = virt_to_phys(luo_test_preserved(test, order));
		struct folio *folio;

		KUNIT_EXPECT_TRUE(test, kho_is_restorable(phys, order));
		KUNIT_EXPECT_FALSE(test, kho_is_restorable(phys, order + 1));
		KUNIT_EXPECT_FALSE(test, kho_is_restorable(phys, order - 1));
		KUNIT_EXPECT_FALSE(test, kho_is_restorable(phys + 1, order));
		KUNIT_EXPECT_FALSE(test, kho_is_restorable(phys + PAGE_SIZE - 1, order));
		if (order)
			KUNIT_EXPECT_FALSE(test, kho_is_restorable(phys + PAGE_SIZE, order));

		/* It only looks. */
		KUNIT_EXPECT_TRUE(test, kho_is_restorable(phys, order));

		folio = kho_restore_folio(phys);
		KUNIT_ASSERT_NOT_NULL(test, folio);
		KUNIT_EXPECT_EQ(test, folio_order(folio), order);
		KUNIT_EXPECT_FALSE(test, kho_is_restorable(phys, order));
		folio_put(folio);
		KUNIT_EXPECT_FALSE(test, kho_is_restorable(phys, order));
	}
}

static void kho_test_restorable_garbage(struct kunit *test)
{
	phys_addr_t end = PFN_PHYS(max_pfn);
	struct page *page;

	/* Every bit there is, alone, and with the lower or the upper ones set. */
	for (int bit = 0; bit < BITS_PER_TYPE(phys_addr_t); bit++) {
		phys_addr_t phys = (phys_addr_t)1 << bit;

		KUNIT_EXPECT_FALSE(test, kho_is_restorable(phys, 0));
		KUNIT_EXPECT_FALSE(test, kho_is_restorable(phys - 1, 0));
		KUNIT_EXPECT_FALSE(test, kho_is_restorable(-phys, 0));
	}

	for (phys_addr_t phys = 0; phys < 2 * end; phys += SZ_1M)
		KUNIT_EXPECT_FALSE(test, kho_is_restorable(phys, 0));

	page = alloc_page(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_FALSE(test, kho_is_restorable(page_to_phys(page), 0));
	__free_page(page);
}

/*
 * FLBs
 */

#define LUO_TEST_FLB		"kunit-flb-v1"
#define LUO_TEST_FILE		"kunit-file-v1"
#define LUO_TEST_ID_FILE	"kunit-id-file-v1"
#define LUO_TEST_FLB_DATA	0x1234567890abcdefULL

static struct {
	int preserve;
	int unpreserve;
	int retrieve;
	int finish;
	int retrieve_err;
	u64 retrieve_data;
	struct liveupdate_flb *flb;
	struct luo_flb_header_ser *in;
	struct luo_flb_header_ser *out;
	struct luo_flb_header_ser *saved_in;
	struct luo_flb_header_ser *saved_out;
} luo_test;

static int luo_test_flb_preserve(struct liveupdate_flb_op_args *args)
{
	luo_test.preserve++;
	args->data = LUO_TEST_FLB_DATA;
	args->obj = &luo_test;

	return 0;
}

static void luo_test_flb_unpreserve(struct liveupdate_flb_op_args *args)
{
	luo_test.unpreserve++;
}

static int luo_test_flb_retrieve(struct liveupdate_flb_op_args *args)
{
	luo_test.retrieve++;
	luo_test.retrieve_data = args->data;
	if (luo_test.retrieve_err)
		return luo_test.retrieve_err;

	args->obj = &luo_test;

	return 0;
}

static void luo_test_flb_finish(struct liveupdate_flb_op_args *args)
{
	luo_test.finish++;
}

static const struct liveupdate_flb_ops luo_test_flb_ops = {
	.preserve = luo_test_flb_preserve,
	.unpreserve = luo_test_flb_unpreserve,
	.retrieve = luo_test_flb_retrieve,
	.finish = luo_test_flb_finish,
	.owner = THIS_MODULE,
};

static const struct liveupdate_flb luo_test_flb_template = {
	.ops = &luo_test_flb_ops,
	.compatible = LUO_TEST_FLB,
};

/* Files: what the handlers were called for is appended to the log. */
static struct {
	char log[256];
	size_t len;
	int preserve_err;
	int retrieve_err;
	bool retry;
	bool no_private_data;
	int retrieves;
	u64 busy_token;
	u64 running_token;
	struct file *other;
	bool other_at_preserve;
	bool other_at_freeze;
	/* How often handlers were asked about a file, and that to find @other */
	int asked;
	int asked_for_other;
} luo_test_file;

static void luo_test_log(const char *op, struct liveupdate_file_op_args *args)
{
	luo_test_file.len += scnprintf(luo_test_file.log + luo_test_file.len,
				       sizeof(luo_test_file.log) - luo_test_file.len,
				       "%s%llu%s%s ", op, args->serialized_data,
				       args->private_data == &luo_test_file ? "+" : "",
				       args->retrieve_status < 0 ? "!" : "");
}

static const struct file_operations luo_test_fops = {
	.owner = THIS_MODULE,
};

/* Files of this kind are the same if their private_data is. */
static const struct file_operations luo_test_id_fops = {
	.owner = THIS_MODULE,
};

static bool luo_test_can_preserve(struct liveupdate_file_handler *fh, struct file *file)
{
	luo_test_file.asked++;

	return file->f_op == &luo_test_fops;
}

static bool luo_test_id_can_preserve(struct liveupdate_file_handler *fh, struct file *file)
{
	luo_test_file.asked++;

	return file->f_op == &luo_test_id_fops;
}

static bool luo_test_find_other(struct liveupdate_file_op_args *args)
{
	int asked = luo_test_file.asked;
	bool found;

	if (!luo_test_file.other)
		return false;

	found = liveupdate_file_is_preserved_with(args, luo_test_file.other);
	luo_test_file.asked_for_other = luo_test_file.asked - asked;

	return found;
}

static int luo_test_preserve(struct liveupdate_file_op_args *args)
{
	luo_test_file.other_at_preserve = luo_test_find_other(args);

	return luo_test_file.preserve_err;
}

static void luo_test_unpreserve(struct liveupdate_file_op_args *args)
{
}

static int luo_test_freeze(struct liveupdate_file_op_args *args)
{
	luo_test_file.other_at_freeze = luo_test_find_other(args);

	return 0;
}

static int luo_test_retrieve(struct liveupdate_file_op_args *args)
{
	struct file *file;

	luo_test_file.retrieves++;
	if (luo_test_file.retry) {
		args->retry = true;
		return luo_test_file.retrieve_err;
	}

	if (!luo_test_file.no_private_data)
		args->private_data = &luo_test_file;
	if (luo_test_file.retrieve_err)
		return luo_test_file.retrieve_err;

	file = anon_inode_getfile("[luo_kunit]", &luo_test_fops, NULL, O_RDWR);
	if (IS_ERR(file))
		return PTR_ERR(file);

	args->file = file;

	return 0;
}

static bool luo_test_can_finish(struct liveupdate_file_op_args *args)
{
	luo_test_log("c", args);

	return args->serialized_data != luo_test_file.busy_token;
}

static int luo_test_quiesce(struct liveupdate_file_op_args *args)
{
	luo_test_log("q", args);

	return args->serialized_data == luo_test_file.running_token ? -EIO : 0;
}

static void luo_test_finish(struct liveupdate_file_op_args *args)
{
	luo_test_log("f", args);
}

static unsigned long luo_test_get_id(struct file *file)
{
	luo_test_file.asked++;

	return (unsigned long)file->private_data;
}

static const struct liveupdate_file_ops luo_test_file_ops = {
	.can_preserve = luo_test_can_preserve,
	.preserve = luo_test_preserve,
	.unpreserve = luo_test_unpreserve,
	.freeze = luo_test_freeze,
	.retrieve = luo_test_retrieve,
	.can_finish = luo_test_can_finish,
	.quiesce = luo_test_quiesce,
	.finish = luo_test_finish,
	.owner = THIS_MODULE,
};

static const struct liveupdate_file_ops luo_test_id_ops = {
	.can_preserve = luo_test_id_can_preserve,
	.preserve = luo_test_preserve,
	.unpreserve = luo_test_unpreserve,
	.retrieve = luo_test_retrieve,
	.finish = luo_test_finish,
	.get_id = luo_test_get_id,
	.owner = THIS_MODULE,
};

static struct liveupdate_file_handler luo_test_fh = {
	.ops = &luo_test_file_ops,
	.compatible = LUO_TEST_FILE,
};

static struct liveupdate_file_handler luo_test_id_fh = {
	.ops = &luo_test_id_ops,
	.compatible = LUO_TEST_ID_FILE,
};

static int luo_test_suite_init(struct kunit_suite *suite)
{
	int err;

	if (!kho_is_enabled() || !liveupdate_enabled())
		return 0;

	err = liveupdate_register_file_handler(&luo_test_fh);
	if (err)
		return err;

	err = liveupdate_register_file_handler(&luo_test_id_fh);
	if (err)
		liveupdate_unregister_file_handler(&luo_test_fh);

	return err;
}

static void luo_test_suite_exit(struct kunit_suite *suite)
{
	if (!kho_is_enabled() || !liveupdate_enabled())
		return;

	liveupdate_unregister_file_handler(&luo_test_id_fh);
	liveupdate_unregister_file_handler(&luo_test_fh);
}

static int luo_test_flb_init(struct kunit *test)
{
	int err = luo_test_init(test);

	if (err)
		return err;

	memset(&luo_test, 0, sizeof(luo_test));
	luo_test.flb = kunit_kzalloc(test, sizeof(*luo_test.flb), GFP_KERNEL);
	luo_test.in = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	luo_test.out = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	if (!luo_test.flb || !luo_test.in || !luo_test.out)
		return -ENOMEM;

	memcpy(luo_test.flb, &luo_test_flb_template, sizeof(*luo_test.flb));
	luo_test.in->pgcnt = 1;
	luo_test.out->pgcnt = 1;

	err = liveupdate_register_flb(&luo_test_fh, luo_test.flb);
	if (err)
		return err;

	luo_test.saved_in = luo_flb_kunit_set_incoming(luo_test.in);
	luo_test.saved_out = luo_flb_kunit_set_outgoing(luo_test.out);

	return 0;
}

static void luo_test_flb_exit(struct kunit *test)
{
	if (!luo_test.flb)
		return;

	luo_flb_kunit_set_incoming(luo_test.saved_in);
	luo_flb_kunit_set_outgoing(luo_test.saved_out);
	liveupdate_unregister_flb(&luo_test_fh, luo_test.flb);
	luo_test.flb = NULL;
}

static void luo_test_add_record(struct luo_flb_header_ser *header, const char *name,
				u64 data, u64 count)
{
	struct luo_flb_ser *ser = (struct luo_flb_ser *)(header + 1) + header->count++;

	strscpy(ser->name, name, sizeof(ser->name));
	ser->data = data;
	ser->count = count;
}

/* Some records around it, so that the right one has to be found. */
static void luo_test_add_flb(struct luo_flb_header_ser *header, u64 count)
{
	luo_test_add_record(header, "kunit-flb-v", 1, 7);
	luo_test_add_record(header, LUO_TEST_FLB, LUO_TEST_FLB_DATA, count);
	luo_test_add_record(header, "kunit-flb-v10", 2, 7);
}

static unsigned int luo_test_incoming_count(void)
{
	return refcount_read(&ACCESS_PRIVATE(luo_test.flb, private).incoming.count);
}

static void flb_test_finish_without_retrieve(struct kunit *test)
{
	luo_test_add_flb(luo_test.in, 2);

	luo_flb_file_finish(&luo_test_fh);
	KUNIT_EXPECT_EQ(test, luo_test_incoming_count(), 1);
	KUNIT_EXPECT_EQ(test, luo_test.retrieve, 0);
	KUNIT_EXPECT_EQ(test, luo_test.finish, 0);

	luo_flb_file_finish(&luo_test_fh);
	KUNIT_EXPECT_EQ(test, luo_test_incoming_count(), 0);
	KUNIT_EXPECT_EQ(test, luo_test.retrieve, 1);
	KUNIT_EXPECT_EQ(test, luo_test.retrieve_data, LUO_TEST_FLB_DATA);
	KUNIT_EXPECT_EQ(test, luo_test.finish, 1);
}

static void flb_test_finish_after_get(struct kunit *test)
{
	void *obj;

	luo_test_add_flb(luo_test.in, 1);

	KUNIT_ASSERT_EQ(test, liveupdate_flb_get_incoming(luo_test.flb, &obj), 0);
	KUNIT_EXPECT_PTR_EQ(test, obj, (void *)&luo_test);
	liveupdate_flb_put_incoming(luo_test.flb);
	KUNIT_EXPECT_EQ(test, luo_test.finish, 0);

	luo_flb_file_finish(&luo_test_fh);
	KUNIT_EXPECT_EQ(test, luo_test.retrieve, 1);
	KUNIT_EXPECT_EQ(test, luo_test.finish, 1);
	KUNIT_EXPECT_EQ(test, liveupdate_flb_get_incoming(luo_test.flb, &obj), -ENODATA);
}

static void flb_test_user_outlives_files(struct kunit *test)
{
	void *obj;

	luo_test_add_flb(luo_test.in, 1);

	KUNIT_ASSERT_EQ(test, liveupdate_flb_get_incoming(luo_test.flb, &obj), 0);
	luo_flb_file_finish(&luo_test_fh);
	KUNIT_EXPECT_EQ(test, luo_test.finish, 0);
	liveupdate_flb_put_incoming(luo_test.flb);
	KUNIT_EXPECT_EQ(test, luo_test.finish, 1);
}

static void flb_test_finish_not_there(struct kunit *test)
{
	void *obj;

	luo_test_add_record(luo_test.in, "kunit-other", 1, 1);

	luo_flb_file_finish(&luo_test_fh);
	KUNIT_EXPECT_EQ(test, luo_test_incoming_count(), 0);
	KUNIT_EXPECT_EQ(test, liveupdate_flb_get_incoming(luo_test.flb, &obj), -ENOENT);

	luo_flb_kunit_set_incoming(NULL);
	luo_flb_file_finish(&luo_test_fh);
	KUNIT_EXPECT_EQ(test, luo_test_incoming_count(), 0);
	KUNIT_EXPECT_EQ(test, liveupdate_flb_get_incoming(luo_test.flb, &obj), -ENODATA);
	KUNIT_EXPECT_EQ(test, luo_test.retrieve + luo_test.finish, 0);
}

static void flb_test_more_files_than_counted(struct kunit *test)
{
	void *obj;

	luo_test_add_flb(luo_test.in, 1);

	/* The second one must not take the reference of the user. */
	KUNIT_ASSERT_EQ(test, liveupdate_flb_get_incoming(luo_test.flb, &obj), 0);
	luo_flb_file_finish(&luo_test_fh);
	luo_flb_file_finish(&luo_test_fh);
	KUNIT_EXPECT_EQ(test, luo_test.finish, 0);
	KUNIT_EXPECT_EQ(test, luo_test_incoming_count(), 1);
	liveupdate_flb_put_incoming(luo_test.flb);
	KUNIT_EXPECT_EQ(test, luo_test.finish, 1);

	luo_flb_file_finish(&luo_test_fh);
	KUNIT_EXPECT_EQ(test, luo_test_incoming_count(), 0);
	KUNIT_EXPECT_EQ(test, luo_test.finish, 1);
}

static void luo_test_bad_count(struct kunit *test, u64 count)
{
	void *obj;

	luo_test_add_record(luo_test.in, LUO_TEST_FLB, 0, count);

	KUNIT_EXPECT_EQ(test, liveupdate_flb_get_incoming(luo_test.flb, &obj), -EINVAL);
	luo_flb_file_finish(&luo_test_fh);
	KUNIT_EXPECT_EQ(test, liveupdate_flb_get_incoming(luo_test.flb, &obj), -EINVAL);
	KUNIT_EXPECT_EQ(test, luo_test_incoming_count(), 0);
	KUNIT_EXPECT_EQ(test, luo_test.retrieve + luo_test.finish, 0);
}

static void flb_test_count_zero(struct kunit *test)
{
	luo_test_bad_count(test, 0);
}

static void flb_test_count_too_big(struct kunit *test)
{
	luo_test_bad_count(test, (u64)INT_MAX + 1);
}

static void flb_test_count_wraps(struct kunit *test)
{
	/* 2 in 32 bits */
	luo_test_bad_count(test, (1ULL << 32) + 2);
}

static void flb_test_retrieve_enomem(struct kunit *test)
{
	void *obj;

	luo_test_add_flb(luo_test.in, 1);

	luo_test.retrieve_err = -ENOMEM;
	KUNIT_EXPECT_EQ(test, liveupdate_flb_get_incoming(luo_test.flb, &obj), -ENOMEM);
	KUNIT_EXPECT_EQ(test, liveupdate_flb_get_incoming(luo_test.flb, &obj), -ENOMEM);
	KUNIT_EXPECT_EQ(test, luo_test.retrieve, 2);

	luo_test.retrieve_err = 0;
	KUNIT_ASSERT_EQ(test, liveupdate_flb_get_incoming(luo_test.flb, &obj), 0);
	KUNIT_EXPECT_EQ(test, luo_test.retrieve, 3);
	liveupdate_flb_put_incoming(luo_test.flb);
	luo_flb_file_finish(&luo_test_fh);
	KUNIT_EXPECT_EQ(test, luo_test.finish, 1);
}

static void flb_test_retrieve_error(struct kunit *test)
{
	void *obj;

	luo_test_add_flb(luo_test.in, 2);

	luo_test.retrieve_err = -EPROTO;
	KUNIT_EXPECT_EQ(test, liveupdate_flb_get_incoming(luo_test.flb, &obj), -EPROTO);

	/* That was final. */
	luo_test.retrieve_err = 0;
	KUNIT_EXPECT_EQ(test, liveupdate_flb_get_incoming(luo_test.flb, &obj), -EPROTO);
	luo_flb_file_finish(&luo_test_fh);
	luo_flb_file_finish(&luo_test_fh);
	KUNIT_EXPECT_EQ(test, luo_test_incoming_count(), 0);
	KUNIT_EXPECT_EQ(test, liveupdate_flb_get_incoming(luo_test.flb, &obj), -EPROTO);
	KUNIT_EXPECT_EQ(test, luo_test.retrieve, 1);
	KUNIT_EXPECT_EQ(test, luo_test.finish, 0);
}

static void flb_test_enomem_at_finish(struct kunit *test)
{
	void *obj;

	luo_test_add_flb(luo_test.in, 1);

	luo_test.retrieve_err = -ENOMEM;
	luo_flb_file_finish(&luo_test_fh);
	KUNIT_EXPECT_EQ(test, luo_test.retrieve, 1);
	KUNIT_EXPECT_EQ(test, luo_test.finish, 0);

	/* Nobody would finish it any more, so nobody gets it. */
	luo_test.retrieve_err = 0;
	KUNIT_EXPECT_EQ(test, liveupdate_flb_get_incoming(luo_test.flb, &obj), -ENOMEM);
	KUNIT_EXPECT_EQ(test, luo_test_incoming_count(), 0);
	KUNIT_EXPECT_EQ(test, luo_test.retrieve, 1);
}

static const struct luo_flb_ser *luo_test_find_out(void)
{
	const struct luo_flb_ser *ser = (const struct luo_flb_ser *)(luo_test.out + 1);

	for (u64 i = 0; i < luo_test.out->count; i++) {
		if (!strcmp(ser[i].name, LUO_TEST_FLB))
			return &ser[i];
	}

	return NULL;
}

static void flb_test_serialize_files_only(struct kunit *test)
{
	const struct luo_flb_ser *ser;
	void *obj;

	KUNIT_EXPECT_EQ(test, liveupdate_flb_get_outgoing(luo_test.flb, &obj), -ENOENT);
	luo_flb_serialize();
	KUNIT_EXPECT_NULL(test, luo_test_find_out());

	KUNIT_ASSERT_EQ(test, luo_flb_file_preserve(&luo_test_fh), 0);
	KUNIT_ASSERT_EQ(test, luo_flb_file_preserve(&luo_test_fh), 0);
	KUNIT_ASSERT_EQ(test, liveupdate_flb_get_outgoing(luo_test.flb, &obj), 0);
	KUNIT_EXPECT_EQ(test, luo_test.preserve, 1);

	luo_flb_serialize();
	ser = luo_test_find_out();
	KUNIT_ASSERT_NOT_NULL(test, ser);
	KUNIT_EXPECT_EQ(test, ser->count, 2);
	KUNIT_EXPECT_EQ(test, ser->data, LUO_TEST_FLB_DATA);

	luo_flb_file_unpreserve(&luo_test_fh);
	luo_flb_serialize();
	ser = luo_test_find_out();
	KUNIT_ASSERT_NOT_NULL(test, ser);
	KUNIT_EXPECT_EQ(test, ser->count, 1);

	/* Only the user is left: nothing for the next kernel. */
	luo_flb_file_unpreserve(&luo_test_fh);
	luo_flb_serialize();
	KUNIT_EXPECT_NULL(test, luo_test_find_out());
	KUNIT_EXPECT_EQ(test, luo_test.unpreserve, 0);

	/* A new file joins the object that the user keeps alive. */
	KUNIT_ASSERT_EQ(test, luo_flb_file_preserve(&luo_test_fh), 0);
	liveupdate_flb_put_outgoing(luo_test.flb);
	luo_flb_serialize();
	ser = luo_test_find_out();
	KUNIT_ASSERT_NOT_NULL(test, ser);
	KUNIT_EXPECT_EQ(test, ser->count, 1);
	KUNIT_EXPECT_EQ(test, luo_test.preserve, 1);

	luo_flb_file_unpreserve(&luo_test_fh);
	KUNIT_EXPECT_EQ(test, luo_test.unpreserve, 1);
	luo_flb_serialize();
	KUNIT_EXPECT_NULL(test, luo_test_find_out());
}

static void flb_test_peek(struct kunit *test)
{
	u64 data = 0;

	luo_test_add_flb(luo_test.in, 1);

	KUNIT_EXPECT_EQ(test, liveupdate_flb_peek_incoming(LUO_TEST_FLB, &data), 0);
	KUNIT_EXPECT_EQ(test, data, LUO_TEST_FLB_DATA);
	KUNIT_EXPECT_EQ(test, luo_test_incoming_count(), 0);
	KUNIT_EXPECT_EQ(test, luo_test.retrieve, 0);
	KUNIT_EXPECT_EQ(test, liveupdate_flb_peek_incoming("kunit-flb-v2", &data), -ENOENT);
	KUNIT_EXPECT_EQ(test, liveupdate_flb_peek_incoming("kunit-flb-v", &data), 0);
	KUNIT_EXPECT_EQ(test, data, 1);

	/* Once it is finished the handle is worth nothing. */
	luo_flb_file_finish(&luo_test_fh);
	KUNIT_EXPECT_EQ(test, luo_test.finish, 1);
	KUNIT_EXPECT_EQ(test, liveupdate_flb_peek_incoming(LUO_TEST_FLB, &data), -ENOENT);
	KUNIT_EXPECT_EQ(test, liveupdate_flb_peek_incoming("kunit-flb-v10", &data), 0);

	luo_flb_kunit_set_incoming(NULL);
	KUNIT_EXPECT_EQ(test, liveupdate_flb_peek_incoming(LUO_TEST_FLB, &data), -ENODATA);
}

/* Before LUO's own initcall everything is read from preserved memory. */
static void flb_test_peek_early(struct kunit *test)
{
	struct luo_flb_header_ser *header = luo_test_preserved(test, 0);
	phys_addr_t phys = virt_to_phys(header);
	u64 data = 0;

	header->pgcnt = 1;
	luo_test_add_flb(header, 1);

	KUNIT_EXPECT_EQ(test, luo_flb_peek_early(phys, LUO_TEST_FLB, &data), 0);
	KUNIT_EXPECT_EQ(test, data, LUO_TEST_FLB_DATA);
	KUNIT_EXPECT_EQ(test, luo_flb_peek_early(phys, "kunit-flb-v2", &data), -ENOENT);

	KUNIT_EXPECT_EQ(test, luo_flb_peek_early(0, LUO_TEST_FLB, &data), -ENODATA);
	KUNIT_EXPECT_EQ(test, luo_flb_peek_early(phys + 8, LUO_TEST_FLB, &data), -EINVAL);
	KUNIT_EXPECT_EQ(test, luo_flb_peek_early(~0ULL, LUO_TEST_FLB, &data), -EINVAL);
	KUNIT_EXPECT_EQ(test, luo_flb_peek_early(virt_to_phys(luo_test.in), LUO_TEST_FLB, &data),
			-EINVAL);

	header->pgcnt = 2;
	KUNIT_EXPECT_EQ(test, luo_flb_peek_early(phys, LUO_TEST_FLB, &data), -EINVAL);
	header->pgcnt = 1;

	/* As many as fit into the page, and one more. */
	header->count = (PAGE_SIZE - sizeof(*header)) / sizeof(struct luo_flb_ser);
	KUNIT_EXPECT_EQ(test, luo_flb_peek_early(phys, LUO_TEST_FLB, &data), 0);
	header->count++;
	KUNIT_EXPECT_EQ(test, luo_flb_peek_early(phys, LUO_TEST_FLB, &data), -EINVAL);
	header->count = U64_MAX;
	KUNIT_EXPECT_EQ(test, luo_flb_peek_early(phys, LUO_TEST_FLB, &data), -EINVAL);

	KUNIT_EXPECT_TRUE(test, kho_is_restorable(phys, 0));
	kho_restore_free(header);
}

static void luo_test_check_ser(struct kunit *test)
{
	struct luo_ser *ser = luo_test_preserved(test, 0);
	phys_addr_t phys = virt_to_phys(ser);
	struct luo_ser *not_preserved;

	strscpy(ser->compatible, LUO_ABI_COMPATIBLE, sizeof(ser->compatible));
	KUNIT_EXPECT_PTR_EQ(test, luo_check_ser(phys, sizeof(*ser)), ser);
	KUNIT_EXPECT_PTR_EQ(test, luo_check_ser(phys, sizeof(*ser) - 1), ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, luo_check_ser(phys + 16, sizeof(*ser)), ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, luo_check_ser(~0ULL, sizeof(*ser)), ERR_PTR(-EINVAL));

	/* As good as the other one, but for where it is. */
	not_preserved = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, not_preserved);
	*not_preserved = *ser;
	KUNIT_EXPECT_PTR_EQ(test, luo_check_ser(virt_to_phys(not_preserved), sizeof(*ser)),
			    ERR_PTR(-EINVAL));

	ser->compatible[0] ^= 1;
	KUNIT_EXPECT_PTR_EQ(test, luo_check_ser(phys, sizeof(*ser)), ERR_PTR(-EINVAL));

	kho_restore_free(ser);
}

/*
 * Files
 */

static int luo_test_file_init(struct kunit *test)
{
	memset(&luo_test_file, 0, sizeof(luo_test_file));

	return luo_test_init(test);
}

#define LUO_TEST_PER_BLOCK(type)	\
	((KHO_BLOCK_SIZE - sizeof(struct kho_block_header_ser)) / sizeof(type))

/* Files 1 to @count of a session, the number being both token and handle. */
static struct luo_file_set_ser luo_test_files_ser(struct kunit *test, const char *compatible,
						  u64 count, u64 data)
{
	struct luo_file_set_ser set_ser = { .count = count };
	struct kho_block_header_ser *header = NULL;

	for (u64 i = 0; i < count; i++) {
		struct luo_file_ser *ser;
		phys_addr_t phys;

		if (!header || header->count == LUO_TEST_PER_BLOCK(*ser)) {
			phys = virt_to_phys(luo_test_preserved(test, 0));
			if (header)
				header->next = phys;
			else
				set_ser.files = phys;
			header = phys_to_virt(phys);
		}

		ser = (struct luo_file_ser *)(header + 1) + header->count++;
		strscpy(ser->compatible, compatible, sizeof(ser->compatible));
		ser->token = i + 1;
		ser->data = data ?: i + 1;
	}

	return set_ser;
}

/* The first block of it. */
static struct luo_file_ser *luo_test_first_files(struct luo_file_set_ser *set_ser)
{
	struct kho_block_header_ser *header = phys_to_virt(set_ser->files);

	return (struct luo_file_ser *)(header + 1);
}

static void luo_test_incoming_files(struct kunit *test, struct luo_file_set *set,
				    const char *compatible, u64 count, u64 data)
{
	struct luo_file_set_ser ser = luo_test_files_ser(test, compatible, count, data);

	luo_file_set_init(set);
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(set, &ser), 0);
	KUNIT_ASSERT_EQ(test, set->count, count);
}

static void file_test_quiesce_before_finish(struct kunit *test)
{
	struct luo_file_set set;

	luo_test_incoming_files(test, &set, LUO_TEST_FILE, 3, 0);
	KUNIT_EXPECT_EQ(test, luo_file_finish(&set), 0);
	KUNIT_EXPECT_STREQ(test, luo_test_file.log, "c1 c2 c3 q3 q2 q1 f3 f2 f1 ");
	luo_file_set_destroy(&set);
}

static void file_test_no_quiesce_if_busy(struct kunit *test)
{
	struct luo_file_set set;

	luo_test_incoming_files(test, &set, LUO_TEST_FILE, 3, 0);
	luo_test_file.busy_token = 3;
	KUNIT_EXPECT_EQ(test, luo_file_finish(&set), -EBUSY);
	KUNIT_EXPECT_STREQ(test, luo_test_file.log, "c1 c2 c3 ");

	luo_test_file.busy_token = 0;
	KUNIT_EXPECT_EQ(test, luo_file_finish(&set), 0);
	KUNIT_EXPECT_STREQ(test, luo_test_file.log, "c1 c2 c3 c1 c2 c3 q3 q2 q1 f3 f2 f1 ");
	luo_file_set_destroy(&set);
}

static void file_test_no_finish_if_running(struct kunit *test)
{
	struct luo_file_set set;

	luo_test_incoming_files(test, &set, LUO_TEST_FILE, 3, 0);
	luo_test_file.running_token = 2;
	KUNIT_EXPECT_EQ(test, luo_file_finish(&set), -EIO);
	KUNIT_EXPECT_STREQ(test, luo_test_file.log, "c1 c2 c3 q3 q2 ");

	luo_test_file.running_token = 0;
	KUNIT_EXPECT_EQ(test, luo_file_finish(&set), 0);
	KUNIT_EXPECT_STREQ(test, luo_test_file.log, "c1 c2 c3 q3 q2 c1 c2 c3 q3 q2 q1 f3 f2 f1 ");
	luo_file_set_destroy(&set);
}

static void file_test_quiesce_is_optional(struct kunit *test)
{
	struct luo_file_set set;

	luo_test_incoming_files(test, &set, LUO_TEST_ID_FILE, 2, 0);
	KUNIT_EXPECT_EQ(test, luo_file_finish(&set), 0);
	KUNIT_EXPECT_STREQ(test, luo_test_file.log, "f2 f1 ");
	luo_file_set_destroy(&set);
}

static void file_test_private_data(struct kunit *test)
{
	struct luo_file_set set;
	struct file *file, *again;

	luo_test_incoming_files(test, &set, LUO_TEST_FILE, 3, 0);
	KUNIT_ASSERT_EQ(test, luo_retrieve_file(&set, 2, &file), 0);
	KUNIT_ASSERT_EQ(test, luo_retrieve_file(&set, 2, &again), 0);
	KUNIT_EXPECT_PTR_EQ(test, file, again);
	fput(again);

	/* A failed one has private data, too, and is not repeated. */
	luo_test_file.retrieve_err = -EIO;
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&set, 3, &again), -EIO);
	luo_test_file.retrieve_err = 0;
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&set, 3, &again), -EIO);

	KUNIT_EXPECT_EQ(test, luo_file_finish(&set), 0);
	KUNIT_EXPECT_STREQ(test, luo_test_file.log,
			   "c1 c2+ c3+! q3+! q2+ q1 f3+! f2+ f1 ");
	fput(file);
	flush_delayed_fput();
	luo_file_set_destroy(&set);
}

/* Nothing was changed by a retrieve that failed, and it says so. */
static void file_test_retrieve_retry(struct kunit *test)
{
	struct luo_file_set set;
	struct file *file;

	luo_test_incoming_files(test, &set, LUO_TEST_FILE, 2, 0);

	luo_test_file.retry = true;
	luo_test_file.retrieve_err = -ENOMEM;
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&set, 1, &file), -ENOMEM);
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&set, 1, &file), -ENOMEM);
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&set, 2, &file), -ENOMEM);
	luo_test_file.retrieve_err = -ENFILE;
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&set, 1, &file), -ENFILE);
	KUNIT_EXPECT_EQ(test, luo_test_file.retrieves, 4);

	luo_test_file.retry = false;
	luo_test_file.retrieve_err = 0;
	KUNIT_ASSERT_EQ(test, luo_retrieve_file(&set, 1, &file), 0);
	KUNIT_EXPECT_EQ(test, luo_test_file.retrieves, 5);

	/* The other one is as good as never asked for. */
	KUNIT_EXPECT_EQ(test, luo_file_finish(&set), 0);
	KUNIT_EXPECT_STREQ(test, luo_test_file.log, "c1+ c2 q2 q1+ f2 f1+ ");
	fput(file);
	flush_delayed_fput();
	luo_file_set_destroy(&set);
}

/* Without that it is final, for lack of memory or not. */
static void file_test_retrieve_no_retry(struct kunit *test)
{
	struct luo_file_set set;
	struct file *file;

	luo_test_incoming_files(test, &set, LUO_TEST_FILE, 2, 0);

	luo_test_file.retrieve_err = -ENOMEM;
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&set, 1, &file), -ENOMEM);
	luo_test_file.no_private_data = true;
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&set, 2, &file), -ENOMEM);
	luo_test_file.retrieve_err = 0;
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&set, 1, &file), -ENOMEM);
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&set, 2, &file), -ENOMEM);
	KUNIT_EXPECT_EQ(test, luo_test_file.retrieves, 2);

	KUNIT_EXPECT_EQ(test, luo_file_finish(&set), 0);
	KUNIT_EXPECT_STREQ(test, luo_test_file.log, "c1+! c2! q2! q1+! f2! f1+! ");
	luo_file_set_destroy(&set);
}

static int luo_test_open(struct kunit *test, const struct file_operations *fops, void *id)
{
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	KUNIT_ASSERT_GE(test, fd, 0);
	file = anon_inode_getfile("[luo_kunit]", fops, id, O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	fd_install(fd, file);

	return fd;
}

/* Is the file of @other seen when @fd is preserved, and at freeze? */
static void luo_test_preserve_with(struct kunit *test, struct luo_file_set *set, u64 token,
				   int fd, int other)
{
	struct luo_file_set_ser ser = {};

	luo_test_file.other_at_preserve = false;
	luo_test_file.other_at_freeze = false;
	luo_test_file.other = fget(other);
	KUNIT_ASSERT_NOT_NULL(test, luo_test_file.other);
	KUNIT_EXPECT_EQ(test, luo_preserve_file(set, token, fd), 0);
	KUNIT_EXPECT_EQ(test, luo_file_freeze(set, &ser), 0);
	luo_file_unfreeze(set, &ser);
	fput(luo_test_file.other);
	luo_test_file.other = NULL;
}

static void file_test_preserved_with(struct kunit *test)
{
	struct liveupdate_file_op_args no_set = {};
	struct luo_file_set set, other_set;
	int a, b, id1, id1_again, id2, impostor;
	struct file *file;
	int ids[2];

	luo_file_set_init(&set);
	luo_file_set_init(&other_set);
	a = luo_test_open(test, &luo_test_fops, NULL);
	b = luo_test_open(test, &luo_test_fops, NULL);
	id1 = luo_test_open(test, &luo_test_id_fops, &ids[0]);
	id1_again = luo_test_open(test, &luo_test_id_fops, &ids[0]);
	id2 = luo_test_open(test, &luo_test_id_fops, &ids[1]);

	KUNIT_ASSERT_EQ(test, luo_preserve_file(&set, 1, id1), 0);
	KUNIT_ASSERT_EQ(test, luo_preserve_file(&other_set, 1, id2), 0);

	/* In the same session, by the same id, though not the same file. */
	luo_test_preserve_with(test, &set, 2, a, id1_again);
	KUNIT_EXPECT_TRUE(test, luo_test_file.other_at_preserve);
	KUNIT_EXPECT_TRUE(test, luo_test_file.other_at_freeze);

	/* Preserved, but in another session. */
	luo_test_preserve_with(test, &set, 3, b, id2);
	KUNIT_EXPECT_FALSE(test, luo_test_file.other_at_preserve);
	KUNIT_EXPECT_FALSE(test, luo_test_file.other_at_freeze);

	luo_file_unpreserve_files(&set);
	luo_file_unpreserve_files(&other_set);

	/* The other one comes later: found at freeze, not at preserve. */
	KUNIT_ASSERT_EQ(test, luo_preserve_file(&set, 1, a), 0);
	luo_test_preserve_with(test, &set, 2, b, b);
	KUNIT_EXPECT_FALSE(test, luo_test_file.other_at_preserve);
	KUNIT_EXPECT_TRUE(test, luo_test_file.other_at_freeze);

	/* Neither preserved anywhere. */
	luo_file_unpreserve_files(&set);
	luo_test_preserve_with(test, &set, 1, a, id1);
	KUNIT_EXPECT_FALSE(test, luo_test_file.other_at_preserve);
	KUNIT_EXPECT_FALSE(test, luo_test_file.other_at_freeze);
	luo_file_unpreserve_files(&set);

	/* Ids of different handlers have nothing to do with each other. */
	file = fget(a);
	KUNIT_ASSERT_NOT_NULL(test, file);
	impostor = luo_test_open(test, &luo_test_id_fops, file);
	fput(file);
	KUNIT_ASSERT_EQ(test, luo_preserve_file(&set, 1, a), 0);
	luo_test_preserve_with(test, &set, 2, b, impostor);
	KUNIT_EXPECT_FALSE(test, luo_test_file.other_at_preserve);
	KUNIT_EXPECT_FALSE(test, luo_test_file.other_at_freeze);
	luo_file_unpreserve_files(&set);

	/* Called from where it has no meaning. */
	KUNIT_EXPECT_FALSE(test, liveupdate_file_is_preserved_with(&no_set, NULL));

	close_fd(a);
	close_fd(b);
	close_fd(id1);
	close_fd(id1_again);
	close_fd(id2);
	close_fd(impostor);
	flush_delayed_fput();
	luo_file_set_destroy(&set);
	luo_file_set_destroy(&other_set);
}

#define LUO_TEST_NR_OTHERS	8

/* However many files there are, the one is looked for and not gone through. */
static void file_test_preserved_with_many(struct kunit *test)
{
	int fds[LUO_TEST_NR_OTHERS], ids[LUO_TEST_NR_OTHERS];
	struct luo_file_set set;
	int a, b, asked;

	luo_file_set_init(&set);
	a = luo_test_open(test, &luo_test_fops, NULL);
	b = luo_test_open(test, &luo_test_fops, NULL);
	for (int i = 0; i < LUO_TEST_NR_OTHERS; i++)
		fds[i] = luo_test_open(test, &luo_test_id_fops, &ids[i]);

	KUNIT_ASSERT_EQ(test, luo_preserve_file(&set, 1, fds[0]), 0);
	luo_test_preserve_with(test, &set, 2, a, fds[0]);
	KUNIT_EXPECT_TRUE(test, luo_test_file.other_at_freeze);
	asked = luo_test_file.asked_for_other;

	for (int i = 1; i < LUO_TEST_NR_OTHERS; i++)
		KUNIT_ASSERT_EQ(test, luo_preserve_file(&set, 2 + i, fds[i]), 0);
	luo_test_preserve_with(test, &set, 100, b, fds[LUO_TEST_NR_OTHERS - 1]);
	KUNIT_EXPECT_TRUE(test, luo_test_file.other_at_preserve);
	KUNIT_EXPECT_TRUE(test, luo_test_file.other_at_freeze);
	KUNIT_EXPECT_EQ(test, luo_test_file.asked_for_other, asked);

	luo_file_unpreserve_files(&set);
	close_fd(a);
	close_fd(b);
	for (int i = 0; i < LUO_TEST_NR_OTHERS; i++)
		close_fd(fds[i]);
	flush_delayed_fput();
	luo_file_set_destroy(&set);
}

/* A file can be preserved once, and does not count before it is. */
static void file_test_preserved_once(struct kunit *test)
{
	struct luo_file_set set, other_set;
	int a, id, id_again;
	int ids[1];

	luo_file_set_init(&set);
	luo_file_set_init(&other_set);
	a = luo_test_open(test, &luo_test_fops, NULL);
	id = luo_test_open(test, &luo_test_id_fops, &ids[0]);
	id_again = luo_test_open(test, &luo_test_id_fops, &ids[0]);

	/* What fails leaves nothing behind. */
	luo_test_file.preserve_err = -EIO;
	KUNIT_EXPECT_EQ(test, luo_preserve_file(&set, 1, id), -EIO);
	luo_test_file.preserve_err = 0;
	luo_test_preserve_with(test, &set, 1, a, id);
	KUNIT_EXPECT_FALSE(test, luo_test_file.other_at_preserve);
	KUNIT_EXPECT_FALSE(test, luo_test_file.other_at_freeze);

	KUNIT_EXPECT_EQ(test, luo_preserve_file(&other_set, 1, id), 0);
	KUNIT_EXPECT_EQ(test, luo_preserve_file(&set, 2, id), -EBUSY);
	KUNIT_EXPECT_EQ(test, luo_preserve_file(&set, 2, id_again), -EBUSY);
	KUNIT_EXPECT_EQ(test, luo_preserve_file(&other_set, 2, id_again), -EBUSY);
	KUNIT_EXPECT_EQ(test, luo_preserve_file(&set, 2, a), -EBUSY);
	KUNIT_EXPECT_EQ(test, set.count, 1);

	luo_file_unpreserve_files(&other_set);
	KUNIT_EXPECT_EQ(test, luo_preserve_file(&set, 2, id_again), 0);

	luo_file_unpreserve_files(&set);
	close_fd(a);
	close_fd(id);
	close_fd(id_again);
	flush_delayed_fput();
	luo_file_set_destroy(&set);
	luo_file_set_destroy(&other_set);
}

/* In no order, with neighbours and both ends of what a token can be. */
static const u64 luo_test_tokens[] = {
	0x8000000000000000, 7, 0, U64_MAX, 6, 0x100000007, 8, U64_MAX - 1, 1, 0x7fffffffffffffff,
};

/* A token is taken from when its file is preserved until the session is closed. */
static void file_test_tokens(struct kunit *test)
{
	int fds[ARRAY_SIZE(luo_test_tokens)];
	struct luo_file_set_ser ser = {};
	struct luo_file_set set;
	struct luo_file_ser *file_ser;
	int spare;

	luo_file_set_init(&set);
	spare = luo_test_open(test, &luo_test_fops, NULL);
	for (int i = 0; i < ARRAY_SIZE(luo_test_tokens); i++) {
		fds[i] = luo_test_open(test, &luo_test_fops, NULL);
		KUNIT_EXPECT_EQ(test, luo_preserve_file(&set, luo_test_tokens[i], fds[i]), 0);
		for (int j = 0; j <= i; j++)
			KUNIT_EXPECT_EQ(test, luo_preserve_file(&set, luo_test_tokens[j], spare),
					-EEXIST);
		KUNIT_EXPECT_EQ(test, set.count, i + 1);
	}

	/* What is taken is told first, whatever else is wrong. */
	KUNIT_EXPECT_EQ(test, luo_preserve_file(&set, 7, -1), -EEXIST);
	KUNIT_EXPECT_EQ(test, luo_preserve_file(&set, 9, -1), -EBADF);
	/* And what failed leaves its token free. */
	KUNIT_EXPECT_EQ(test, luo_preserve_file(&set, 9, fds[0]), -EBUSY);
	KUNIT_EXPECT_EQ(test, luo_preserve_file(&set, 9, spare), 0);

	/* They are handed over in the order in which they were preserved. */
	KUNIT_ASSERT_EQ(test, luo_file_freeze(&set, &ser), 0);
	KUNIT_EXPECT_EQ(test, ser.count, ARRAY_SIZE(luo_test_tokens) + 1);
	file_ser = luo_test_first_files(&ser);
	for (int i = 0; i < ARRAY_SIZE(luo_test_tokens); i++)
		KUNIT_EXPECT_EQ(test, file_ser[i].token, luo_test_tokens[i]);
	luo_file_unfreeze(&set, &ser);

	luo_file_unpreserve_files(&set);
	for (int i = 0; i < ARRAY_SIZE(luo_test_tokens); i++)
		KUNIT_EXPECT_EQ(test, luo_preserve_file(&set, luo_test_tokens[i], fds[i]), 0);
	luo_file_unpreserve_files(&set);

	close_fd(spare);
	for (int i = 0; i < ARRAY_SIZE(luo_test_tokens); i++)
		close_fd(fds[i]);
	flush_delayed_fput();
	luo_file_set_destroy(&set);
}

static void file_test_incoming_tokens(struct kunit *test)
{
	struct luo_file_set_ser ser = luo_test_files_ser(test, LUO_TEST_FILE,
							 ARRAY_SIZE(luo_test_tokens), 0);
	struct luo_file_ser *file_ser = luo_test_first_files(&ser);
	struct file *files[ARRAY_SIZE(luo_test_tokens)], *again;
	struct luo_file_set set;

	for (int i = 0; i < ARRAY_SIZE(luo_test_tokens); i++)
		file_ser[i].token = luo_test_tokens[i];
	luo_file_set_init(&set);
	KUNIT_ASSERT_EQ(test, luo_file_deserialize(&set, &ser), 0);

	for (int i = 0; i < ARRAY_SIZE(luo_test_tokens); i++)
		KUNIT_ASSERT_EQ(test, luo_retrieve_file(&set, luo_test_tokens[i], &files[i]), 0);
	KUNIT_EXPECT_EQ(test, luo_test_file.retrieves, ARRAY_SIZE(luo_test_tokens));
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&set, 9, &again), -ENOENT);
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&set, 2, &again), -ENOENT);
	for (int i = 0; i < ARRAY_SIZE(luo_test_tokens); i++) {
		KUNIT_ASSERT_EQ(test, luo_retrieve_file(&set, luo_test_tokens[i], &again), 0);
		KUNIT_EXPECT_PTR_EQ(test, again, files[i]);
		fput(again);
		fput(files[i]);
	}

	KUNIT_EXPECT_EQ(test, luo_file_finish(&set), 0);
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&set, 7, &again), -ENOENT);
	flush_delayed_fput();
	luo_file_set_destroy(&set);
}

/* Two files with one token: no kernel has left that. */
static void file_test_incoming_token_twice(struct kunit *test)
{
	struct luo_file_set_ser ser = luo_test_files_ser(test, LUO_TEST_FILE, 3, 0);
	struct luo_file_set set;
	struct file *file;

	luo_test_first_files(&ser)[2].token = 1;
	luo_file_set_init(&set);
	KUNIT_EXPECT_EQ(test, luo_file_deserialize(&set, &ser), -EEXIST);
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&set, 1, &file), -ENOENT);
	luo_file_set_destroy(&set);
}

/*
 * Sessions
 */

static void session_test_retrieve_again(struct kunit *test)
{
	struct luo_session_ser ser = {
		.name = "kunit-session",
		.file_set_ser = luo_test_files_ser(test, LUO_TEST_FILE, 2, 0),
	};
	struct file *session, *file;

	KUNIT_ASSERT_EQ(test, luo_session_kunit_add_incoming(&ser), 0);
	KUNIT_ASSERT_EQ(test, luo_session_retrieve(ser.name, &session), 0);
	KUNIT_EXPECT_EQ(test, luo_session_retrieve(ser.name, &file), -EINVAL);

	/* The agent dies, and one of the files is not ready. */
	luo_test_file.busy_token = 2;
	__fput_sync(session);
	KUNIT_EXPECT_STREQ(test, luo_test_file.log, "c1 c2 ");

	/* Its successor takes over, and can use the files. */
	KUNIT_ASSERT_EQ(test, luo_session_retrieve(ser.name, &session), 0);
	KUNIT_EXPECT_EQ(test, luo_session_retrieve(ser.name, &file), -EINVAL);
	KUNIT_EXPECT_STREQ(test, luo_test_file.log, "c1 c2 ");

	luo_test_file.busy_token = 0;
	__fput_sync(session);
	KUNIT_EXPECT_STREQ(test, luo_test_file.log, "c1 c2 c1 c2 q2 q1 f2 f1 ");
	KUNIT_EXPECT_EQ(test, luo_session_retrieve(ser.name, &session), -ENOENT);
}

/* One is the start of another, and some are as long as can be. */
static const char * const luo_test_names[] = {
	"kunit-b", "kunit-", "kunit-ba", "kunit-a", "kunit-B", "k",
	"kunit-sixty-three-characters-are-as-many-as-a-session-can-have-",
	"kunit-sixty-three-characters-are-as-many-as-a-session-can-have+",
	"kunit-sixty-two-characters-are-one-less-than-a-session-can-hav",
	"\xffkunit",
};

static void session_test_names(struct kunit *test)
{
	struct file *sessions[ARRAY_SIZE(luo_test_names)], *again;

	for (int i = 0; i < ARRAY_SIZE(luo_test_names); i++) {
		KUNIT_ASSERT_EQ(test, luo_session_create(luo_test_names[i], &sessions[i]), 0);
		for (int j = 0; j <= i; j++)
			KUNIT_EXPECT_EQ(test, luo_session_create(luo_test_names[j], &again),
					-EEXIST);
	}

	/* A name is free again as soon as its session is closed, and no other is. */
	for (int i = 0; i < ARRAY_SIZE(luo_test_names); i++) {
		__fput_sync(sessions[i]);
		KUNIT_ASSERT_EQ(test, luo_session_create(luo_test_names[i], &sessions[i]), 0);
		for (int j = 0; j < ARRAY_SIZE(luo_test_names); j++)
			KUNIT_EXPECT_EQ(test, luo_session_create(luo_test_names[j], &again),
					-EEXIST);
	}

	for (int i = 0; i < ARRAY_SIZE(luo_test_names); i++)
		__fput_sync(sessions[i]);
}

static void session_test_incoming_names(struct kunit *test)
{
	struct file *sessions[ARRAY_SIZE(luo_test_names)], *again;
	struct luo_session_ser ser = {};

	for (int i = 0; i < ARRAY_SIZE(luo_test_names); i++) {
		strscpy(ser.name, luo_test_names[i], sizeof(ser.name));
		KUNIT_ASSERT_EQ(test, luo_session_kunit_add_incoming(&ser), 0);
		KUNIT_EXPECT_EQ(test, luo_session_kunit_add_incoming(&ser), -EEXIST);
	}

	/* Outgoing ones are others. */
	KUNIT_ASSERT_EQ(test, luo_session_create(luo_test_names[0], &again), 0);
	__fput_sync(again);

	KUNIT_EXPECT_EQ(test, luo_session_retrieve("kunit", &again), -ENOENT);
	KUNIT_EXPECT_EQ(test, luo_session_retrieve("kunit-c", &again), -ENOENT);
	for (int i = 0; i < ARRAY_SIZE(luo_test_names); i++)
		KUNIT_ASSERT_EQ(test, luo_session_retrieve(luo_test_names[i], &sessions[i]), 0);
	for (int i = 0; i < ARRAY_SIZE(luo_test_names); i++) {
		KUNIT_EXPECT_EQ(test, luo_session_retrieve(luo_test_names[i], &again), -EINVAL);
		__fput_sync(sessions[i]);
		KUNIT_EXPECT_EQ(test, luo_session_retrieve(luo_test_names[i], &again), -ENOENT);
	}
}

/* The next kernel refuses a block without entries, so none may be left behind. */
static void session_test_no_empty_block(struct kunit *test)
{
	struct file *sessions[LUO_TEST_PER_BLOCK(struct luo_session_ser)], *again;
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];
	long nr, used;

	/* However many there were before, at one of them all blocks are full. */
	for (int i = 0; i < ARRAY_SIZE(sessions); i++) {
		snprintf(name, sizeof(name), "kunit-%d", i);
		KUNIT_ASSERT_EQ(test, luo_session_create(name, &sessions[i]), 0);
		KUNIT_EXPECT_EQ(test, luo_session_create(name, &again), -EEXIST);
		luo_session_kunit_outgoing_blocks(&nr, &used);
		KUNIT_EXPECT_EQ(test, nr, used);
	}

	for (int i = 0; i < ARRAY_SIZE(sessions); i++)
		__fput_sync(sessions[i]);
	luo_session_kunit_outgoing_blocks(&nr, &used);
	KUNIT_EXPECT_EQ(test, nr, used);
}

/*
 * Growth: what a call takes in cycles, with few and with many files or sessions.
 * That is for someone to compare who knows what a cycle is: with QEMU's -icount it
 * is an instruction, and the same each time.
 */

/* With KASAN it is all about memory, not cycles, and takes a hundred times as long. */
#define LUO_TEST_FEW	(IS_ENABLED(CONFIG_KASAN) ? 64 : 1024)
#define LUO_TEST_MANY	(4 * LUO_TEST_FEW)

/* The first is for the allocators to get going, and is not reported. */
static const unsigned int luo_test_sizes[] = { LUO_TEST_MANY, LUO_TEST_FEW, LUO_TEST_MANY };

/* Cycles of all calls with so many files or sessions, by size. */
struct luo_test_cycles {
	u64 of[ARRAY_SIZE(luo_test_sizes)];
};

/* To be called with what get_cycles() returned before the call. */
static void luo_test_count(struct luo_test_cycles *cycles, int size, cycles_t before)
{
	cycles->of[size] += get_cycles() - before;
}

static void luo_test_report(struct kunit *test, const char *call,
			    const struct luo_test_cycles *cycles)
{
	for (int size = 1; size < ARRAY_SIZE(luo_test_sizes); size++)
		kunit_info(test, "growth: %s %u %llu\n", call, luo_test_sizes[size],
			   div_u64(cycles->of[size], luo_test_sizes[size]));
}

/* All over the place, each once. */
static u64 luo_test_token(u64 i)
{
	return i * 0x9e3779b97f4a7c15;
}

static struct file **luo_test_alloc_files(struct kunit *test, int size)
{
	struct file **files = kunit_kcalloc(test, luo_test_sizes[size], sizeof(*files),
					    GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, files);

	return files;
}

/*
 * What is left to do when a file goes is not LUO's. So it is kept until this, and
 * nothing is put off until something else is counted.
 */
static void luo_test_put_files(struct file **files, int size)
{
	for (unsigned int i = 0; i < luo_test_sizes[size]; i++)
		fput(files[i]);
	flush_delayed_fput();
	rcu_barrier();
}

static void growth_test_files_old(struct kunit *test)
{
	struct luo_test_cycles preserve = {}, freeze = {}, unpreserve = {};

	for (int size = 0; size < ARRAY_SIZE(luo_test_sizes); size++) {
		struct file **files = luo_test_alloc_files(test, size);
		struct luo_file_set_ser ser = {};
		struct luo_file_set set;
		cycles_t before;

		luo_file_set_init(&set);
		for (unsigned int i = 0; i < luo_test_sizes[size]; i++) {
			int fd = luo_test_open(test, &luo_test_fops, NULL);

			files[i] = fget(fd);
			before = get_cycles();
			KUNIT_ASSERT_EQ(test, luo_preserve_file(&set, luo_test_token(i), fd), 0);
			luo_test_count(&preserve, size, before);
			close_fd(fd);
		}

		before = get_cycles();
		KUNIT_EXPECT_EQ(test, luo_file_freeze(&set, &ser), 0);
		luo_test_count(&freeze, size, before);
		luo_file_unfreeze(&set, &ser);

		before = get_cycles();
		luo_file_unpreserve_files(&set);
		luo_test_count(&unpreserve, size, before);
		luo_test_put_files(files, size);
		luo_file_set_destroy(&set);
	}

	luo_test_report(test, "file_preserve", &preserve);
	luo_test_report(test, "file_freeze", &freeze);
	luo_test_report(test, "file_unpreserve", &unpreserve);
}

static void growth_test_files_new(struct kunit *test)
{
	struct luo_test_cycles deserialize = {}, retrieve = {}, finish = {};

	for (int size = 0; size < ARRAY_SIZE(luo_test_sizes); size++) {
		struct luo_file_set_ser ser = luo_test_files_ser(test, LUO_TEST_FILE,
								 luo_test_sizes[size], 0);
		struct file **files = luo_test_alloc_files(test, size);
		struct luo_file_set set;
		cycles_t before;

		luo_file_set_init(&set);
		before = get_cycles();
		KUNIT_ASSERT_EQ(test, luo_file_deserialize(&set, &ser), 0);
		luo_test_count(&deserialize, size, before);

		for (u64 token = luo_test_sizes[size]; token; token--) {
			before = get_cycles();
			KUNIT_ASSERT_EQ(test, luo_retrieve_file(&set, token, &files[token - 1]), 0);
			luo_test_count(&retrieve, size, before);
		}

		before = get_cycles();
		KUNIT_EXPECT_EQ(test, luo_file_finish(&set), 0);
		luo_test_count(&finish, size, before);
		luo_test_put_files(files, size);
		luo_file_set_destroy(&set);
	}

	luo_test_report(test, "file_deserialize", &deserialize);
	luo_test_report(test, "file_retrieve", &retrieve);
	luo_test_report(test, "file_finish", &finish);
}

static void luo_test_close_sessions(struct file **sessions, int size,
				    struct luo_test_cycles *cycles)
{
	cycles_t before = get_cycles();

	for (unsigned int i = 0; i < luo_test_sizes[size]; i++)
		__fput_sync(sessions[i]);
	luo_test_count(cycles, size, before);
	rcu_barrier();
}

static void growth_test_sessions_old(struct kunit *test)
{
	struct luo_test_cycles create = {}, close = {};
	char name[LIVEUPDATE_SESSION_NAME_LENGTH];

	for (int size = 0; size < ARRAY_SIZE(luo_test_sizes); size++) {
		struct file **sessions = luo_test_alloc_files(test, size);

		for (unsigned int i = 0; i < luo_test_sizes[size]; i++) {
			cycles_t before;

			snprintf(name, sizeof(name), "kunit-%016llx", luo_test_token(i));
			before = get_cycles();
			KUNIT_ASSERT_EQ(test, luo_session_create(name, &sessions[i]), 0);
			luo_test_count(&create, size, before);
		}

		luo_test_close_sessions(sessions, size, &close);
	}

	luo_test_report(test, "session_create", &create);
	luo_test_report(test, "session_unpreserve", &close);
}

static void growth_test_sessions_new(struct kunit *test)
{
	struct luo_test_cycles deserialize = {}, retrieve = {}, close = {};
	struct luo_session_ser ser = {};

	for (int size = 0; size < ARRAY_SIZE(luo_test_sizes); size++) {
		struct file **sessions = luo_test_alloc_files(test, size);
		cycles_t before;

		for (unsigned int i = 0; i < luo_test_sizes[size]; i++) {
			snprintf(ser.name, sizeof(ser.name), "kunit-%016llx", luo_test_token(i));
			before = get_cycles();
			KUNIT_ASSERT_EQ(test, luo_session_kunit_add_incoming(&ser), 0);
			luo_test_count(&deserialize, size, before);
		}

		for (unsigned int i = luo_test_sizes[size]; i-- > 0;) {
			snprintf(ser.name, sizeof(ser.name), "kunit-%016llx", luo_test_token(i));
			before = get_cycles();
			KUNIT_ASSERT_EQ(test, luo_session_retrieve(ser.name, &sessions[i]), 0);
			luo_test_count(&retrieve, size, before);
		}

		luo_test_close_sessions(sessions, size, &close);
	}

	luo_test_report(test, "session_deserialize", &deserialize);
	luo_test_report(test, "session_retrieve", &retrieve);
	luo_test_report(test, "session_finish", &close);
}

/*
 * Memfds
 */

#define LUO_TEST_NR_FOLIOS	3

static const struct {
	unsigned int order;
	pgoff_t index;
} luo_test_layout[LUO_TEST_NR_FOLIOS] = {
	{ .order = 0, .index = 0 },
	{ .order = 0, .index = 1 },
	{ .order = 2, .index = 4 },
};

struct luo_test_memfd {
	struct luo_file_set set;
	struct memfd_luo_ser *ser;
	struct memfd_luo_folio_ser *folios_ser;
	void *mem[LUO_TEST_NR_FOLIOS];
	struct file *file;
};

static struct folio *luo_test_folio(struct luo_test_memfd *memfd, int i)
{
	return virt_to_folio(memfd->mem[i]);
}

static bool luo_test_restorable(struct luo_test_memfd *memfd, int i)
{
	return kho_is_restorable(virt_to_phys(memfd->mem[i]), luo_test_layout[i].order);
}

/* A memfd of the previous kernel, the only file in its session. */
static struct luo_test_memfd *luo_test_memfd(struct kunit *test, u64 nr_folios)
{
	struct luo_test_memfd *memfd = kunit_kzalloc(test, sizeof(*memfd), GFP_KERNEL);
	struct kho_vmalloc_chunk *chunk;

	KUNIT_ASSERT_NOT_NULL(test, memfd);
	memfd->ser = luo_test_preserved(test, 0);
	memfd->ser->pos = 3;
	memfd->ser->seals = F_SEAL_SHRINK;
	memfd->ser->nr_folios = nr_folios;

	if (nr_folios) {
		memfd->ser->size = 8 * PAGE_SIZE;
		memfd->folios_ser = luo_test_preserved(test, 0);
		chunk = luo_test_preserved(test, 0);
		chunk->phys[0] = virt_to_phys(memfd->folios_ser);
		KHOSER_STORE_PTR(memfd->ser->folios.first, chunk);
		memfd->ser->folios.total_pages = 1;
		memfd->ser->folios.flags = 1;	/* from vmalloc() */
	}

	for (int i = 0; i < nr_folios; i++) {
		memfd->mem[i] = luo_test_preserved(test, luo_test_layout[i].order);
		memset(memfd->mem[i], 'a' + i, PAGE_SIZE << luo_test_layout[i].order);
		memfd->folios_ser[i].pfn = PHYS_PFN(virt_to_phys(memfd->mem[i]));
		memfd->folios_ser[i].index = luo_test_layout[i].index;
		memfd->folios_ser[i].flags = MEMFD_LUO_FOLIO_DIRTY | MEMFD_LUO_FOLIO_UPTODATE;
	}

	luo_test_incoming_files(test, &memfd->set, MEMFD_LUO_FH_COMPATIBLE, 1,
				virt_to_phys(memfd->ser));

	return memfd;
}

static struct luo_test_memfd *luo_test_retrieved_memfd(struct kunit *test)
{
	struct luo_test_memfd *memfd = luo_test_memfd(test, LUO_TEST_NR_FOLIOS);

	KUNIT_ASSERT_EQ(test, luo_retrieve_file(&memfd->set, 1, &memfd->file), 0);

	/* The only references that come and go by themselves. */
	lru_add_drain_all();

	return memfd;
}

/* The file leaves this world for good: the last reference was put before. */
static void luo_test_memfd_finish(struct kunit *test, struct luo_test_memfd *memfd)
{
	KUNIT_EXPECT_EQ(test, luo_file_finish(&memfd->set), 0);
	luo_file_set_destroy(&memfd->set);
	flush_delayed_fput();
	lru_add_drain_all();
}

static void memfd_test_held_until_finish(struct kunit *test)
{
	struct luo_test_memfd *memfd = luo_test_retrieved_memfd(test);
	struct folio *folio;
	loff_t pos = 0;
	char c;

	KUNIT_EXPECT_EQ(test, i_size_read(file_inode(memfd->file)), 8 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, memfd->file->f_pos, 3);
	KUNIT_EXPECT_EQ(test, memfd_get_seals(memfd->file), F_SEAL_SHRINK);

	for (int i = 0; i < LUO_TEST_NR_FOLIOS; i++) {
		folio = luo_test_folio(memfd, i);
		KUNIT_EXPECT_PTR_EQ(test, folio->mapping, memfd->file->f_mapping);
		KUNIT_EXPECT_TRUE(test, folio_test_lru(folio));
		KUNIT_EXPECT_EQ(test, folio_ref_count(folio),
				folio_expected_ref_count(folio) + 1);
		pos = luo_test_layout[i].index * PAGE_SIZE;
		KUNIT_EXPECT_EQ(test, kernel_read(memfd->file, &c, 1, &pos), 1);
		KUNIT_EXPECT_EQ(test, c, 'a' + i);
	}

	KUNIT_EXPECT_EQ(test, luo_file_finish(&memfd->set), 0);
	lru_add_drain_all();

	for (int i = 0; i < LUO_TEST_NR_FOLIOS; i++) {
		folio = luo_test_folio(memfd, i);
		KUNIT_EXPECT_PTR_EQ(test, folio->mapping, memfd->file->f_mapping);
		KUNIT_EXPECT_EQ(test, folio_ref_count(folio), folio_expected_ref_count(folio));
		pos = luo_test_layout[i].index * PAGE_SIZE;
		KUNIT_EXPECT_EQ(test, kernel_read(memfd->file, &c, 1, &pos), 1);
		KUNIT_EXPECT_EQ(test, c, 'a' + i);
	}

	fput(memfd->file);
	flush_delayed_fput();
	luo_file_set_destroy(&memfd->set);
}

static struct folio *luo_test_new_folio(struct folio *src, unsigned long private)
{
	return folio_alloc(GFP_KERNEL, folio_order(src));
}

/* What compaction does. Returns whether the file still has the same folio. */
static bool luo_test_survives_migration(struct kunit *test, struct file *file, pgoff_t index)
{
	struct folio *folio = filemap_get_folio(file->f_mapping, index);
	struct folio *now;
	LIST_HEAD(list);

	KUNIT_ASSERT_FALSE(test, IS_ERR(folio));
	KUNIT_ASSERT_TRUE(test, isolate_folio_to_list(folio, &list));
	folio_put(folio);

	if (migrate_pages(&list, luo_test_new_folio, NULL, 0, MIGRATE_SYNC, MR_COMPACTION, NULL))
		putback_movable_pages(&list);

	now = filemap_get_folio(file->f_mapping, index);
	KUNIT_ASSERT_FALSE(test, IS_ERR(now));
	folio_put(now);

	return now == folio;
}

static void memfd_test_not_migrated(struct kunit *test)
{
	struct luo_test_memfd *memfd;
	loff_t pos;
	char c;

	if (!IS_ENABLED(CONFIG_MIGRATION))
		kunit_skip(test, "needs CONFIG_MIGRATION");

	memfd = luo_test_retrieved_memfd(test);
	for (int i = 0; i < LUO_TEST_NR_FOLIOS; i++) {
		KUNIT_EXPECT_TRUE(test, luo_test_survives_migration(test, memfd->file,
								    luo_test_layout[i].index));
		KUNIT_EXPECT_EQ(test, folio_order(luo_test_folio(memfd, i)),
				luo_test_layout[i].order);
	}

	KUNIT_EXPECT_EQ(test, luo_file_finish(&memfd->set), 0);
	lru_add_drain_all();

	/* Now that it may be migrated, it is. */
	for (int i = 0; i < LUO_TEST_NR_FOLIOS; i++) {
		pos = luo_test_layout[i].index * PAGE_SIZE;
		KUNIT_EXPECT_FALSE(test, luo_test_survives_migration(test, memfd->file,
								     luo_test_layout[i].index));
		KUNIT_EXPECT_EQ(test, kernel_read(memfd->file, &c, 1, &pos), 1);
		KUNIT_EXPECT_EQ(test, c, 'a' + i);
	}

	fput(memfd->file);
	flush_delayed_fput();
	luo_file_set_destroy(&memfd->set);
}

static void memfd_test_punched(struct kunit *test)
{
	struct luo_test_memfd *memfd = luo_test_retrieved_memfd(test);
	struct folio *folio;

	KUNIT_EXPECT_EQ(test, vfs_fallocate(memfd->file, FALLOC_FL_PUNCH_HOLE |
					    FALLOC_FL_KEEP_SIZE, 0, 8 * PAGE_SIZE), 0);
	lru_add_drain_all();

	/* Out of the file, but neither free nor changed. */
	for (int i = 0; i < LUO_TEST_NR_FOLIOS; i++) {
		folio = luo_test_folio(memfd, i);
		KUNIT_EXPECT_NULL(test, folio->mapping);
		KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
		KUNIT_EXPECT_EQ(test, *(char *)memfd->mem[i], 'a' + i);
		folio_get(folio);
	}

	fput(memfd->file);
	luo_test_memfd_finish(test, memfd);

	for (int i = 0; i < LUO_TEST_NR_FOLIOS; i++) {
		folio = luo_test_folio(memfd, i);
		KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
		folio_put(folio);
	}
}

/* A hole in the middle of a large folio would split it. */
static void memfd_test_partly_punched(struct kunit *test)
{
	struct luo_test_memfd *memfd;
	struct folio *folio;

	/* Nobody has large folios then, and truncation warns about them */
	if (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		kunit_skip(test, "needs CONFIG_TRANSPARENT_HUGEPAGE");

	memfd = luo_test_retrieved_memfd(test);
	folio = luo_test_folio(memfd, 2);
	KUNIT_EXPECT_EQ(test, vfs_fallocate(memfd->file, FALLOC_FL_PUNCH_HOLE |
					    FALLOC_FL_KEEP_SIZE, 5 * PAGE_SIZE, PAGE_SIZE), 0);
	lru_add_drain_all();
	KUNIT_EXPECT_EQ(test, folio_order(folio), luo_test_layout[2].order);
	KUNIT_EXPECT_EQ(test, folio_ref_count(folio), folio_expected_ref_count(folio) + 1);

	fput(memfd->file);
	luo_test_memfd_finish(test, memfd);
}

static void memfd_test_closed_early(struct kunit *test)
{
	struct luo_test_memfd *memfd = luo_test_retrieved_memfd(test);
	struct folio *folio;

	fput(memfd->file);
	flush_delayed_fput();

	for (int i = 0; i < LUO_TEST_NR_FOLIOS; i++) {
		folio = luo_test_folio(memfd, i);
		KUNIT_EXPECT_EQ(test, folio_ref_count(folio),
				folio_expected_ref_count(folio) + 1);
		folio_get(folio);
	}

	luo_test_memfd_finish(test, memfd);

	for (int i = 0; i < LUO_TEST_NR_FOLIOS; i++) {
		folio = luo_test_folio(memfd, i);
		KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
		folio_put(folio);
	}
}

/* The second folio cannot be put into the file. */
static void memfd_test_retrieve_fails(struct kunit *test)
{
	struct luo_test_memfd *memfd = luo_test_memfd(test, LUO_TEST_NR_FOLIOS);
	struct folio *folio;

	memfd->folios_ser[1].index = memfd->folios_ser[0].index;
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&memfd->set, 1, &memfd->file), -EEXIST);
	/* The serialized state is used up. */
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&memfd->set, 1, &memfd->file), -EEXIST);
	flush_delayed_fput();
	lru_add_drain_all();

	/* No file, but before the session is finished nothing is freed. */
	for (int i = 0; i < LUO_TEST_NR_FOLIOS; i++) {
		KUNIT_EXPECT_FALSE(test, luo_test_restorable(memfd, i));
		folio = luo_test_folio(memfd, i);
		KUNIT_EXPECT_NULL(test, folio->mapping);
		KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
		KUNIT_EXPECT_EQ(test, *(char *)memfd->mem[i], 'a' + i);
		folio_get(folio);
	}

	luo_test_memfd_finish(test, memfd);

	for (int i = 0; i < LUO_TEST_NR_FOLIOS; i++) {
		folio = luo_test_folio(memfd, i);
		KUNIT_EXPECT_EQ(test, folio_ref_count(folio), 1);
		folio_put(folio);
	}
}

/* It fails before anything is changed. */
static void memfd_test_retrieve_refused(struct kunit *test)
{
	struct luo_test_memfd *memfd = luo_test_memfd(test, LUO_TEST_NR_FOLIOS);
	phys_addr_t ser_phys = virt_to_phys(memfd->ser);

	memfd->ser->seals = BIT(31);
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&memfd->set, 1, &memfd->file), -EOPNOTSUPP);
	KUNIT_EXPECT_TRUE(test, kho_is_restorable(ser_phys, 0));
	for (int i = 0; i < LUO_TEST_NR_FOLIOS; i++)
		KUNIT_EXPECT_TRUE(test, luo_test_restorable(memfd, i));

	luo_test_memfd_finish(test, memfd);
	KUNIT_EXPECT_FALSE(test, kho_is_restorable(ser_phys, 0));
	for (int i = 0; i < LUO_TEST_NR_FOLIOS; i++)
		KUNIT_EXPECT_FALSE(test, luo_test_restorable(memfd, i));
}

/* Likewise, but it is worth another try: more folios than memory can list. */
static void memfd_test_retrieve_retry(struct kunit *test)
{
	struct luo_test_memfd *memfd = luo_test_memfd(test, LUO_TEST_NR_FOLIOS);
	phys_addr_t ser_phys = virt_to_phys(memfd->ser);

	memfd->ser->nr_folios = U64_MAX;
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&memfd->set, 1, &memfd->file), -ENOMEM);
	KUNIT_EXPECT_EQ(test, luo_retrieve_file(&memfd->set, 1, &memfd->file), -ENOMEM);
	KUNIT_EXPECT_TRUE(test, kho_is_restorable(ser_phys, 0));
	for (int i = 0; i < LUO_TEST_NR_FOLIOS; i++)
		KUNIT_EXPECT_TRUE(test, luo_test_restorable(memfd, i));

	memfd->ser->nr_folios = LUO_TEST_NR_FOLIOS;
	KUNIT_ASSERT_EQ(test, luo_retrieve_file(&memfd->set, 1, &memfd->file), 0);
	for (int i = 0; i < LUO_TEST_NR_FOLIOS; i++)
		KUNIT_EXPECT_PTR_EQ(test, luo_test_folio(memfd, i)->mapping,
				    memfd->file->f_mapping);

	fput(memfd->file);
	luo_test_memfd_finish(test, memfd);
}

static void memfd_test_finish_without_retrieve(struct kunit *test)
{
	struct luo_test_memfd *memfd = luo_test_memfd(test, LUO_TEST_NR_FOLIOS);

	luo_test_memfd_finish(test, memfd);
	for (int i = 0; i < LUO_TEST_NR_FOLIOS; i++)
		KUNIT_EXPECT_FALSE(test, luo_test_restorable(memfd, i));
}

static void memfd_test_empty(struct kunit *test)
{
	struct luo_test_memfd *memfd = luo_test_memfd(test, 0);
	phys_addr_t ser_phys = virt_to_phys(memfd->ser);

	KUNIT_ASSERT_EQ(test, luo_retrieve_file(&memfd->set, 1, &memfd->file), 0);
	KUNIT_EXPECT_EQ(test, i_size_read(file_inode(memfd->file)), 0);
	KUNIT_EXPECT_FALSE(test, kho_is_restorable(ser_phys, 0));
	fput(memfd->file);
	luo_test_memfd_finish(test, memfd);

	memfd = luo_test_memfd(test, 0);
	ser_phys = virt_to_phys(memfd->ser);
	luo_test_memfd_finish(test, memfd);
	KUNIT_EXPECT_FALSE(test, kho_is_restorable(ser_phys, 0));
}

static struct kunit_case kho_test_cases[] = {
	KUNIT_CASE(kho_test_restorable),
	KUNIT_CASE(kho_test_restorable_garbage),
	{}
};

static struct kunit_case flb_test_cases[] = {
	KUNIT_CASE(flb_test_finish_without_retrieve),
	KUNIT_CASE(flb_test_finish_after_get),
	KUNIT_CASE(flb_test_user_outlives_files),
	KUNIT_CASE(flb_test_finish_not_there),
	KUNIT_CASE(flb_test_more_files_than_counted),
	KUNIT_CASE(flb_test_count_zero),
	KUNIT_CASE(flb_test_count_too_big),
	KUNIT_CASE(flb_test_count_wraps),
	KUNIT_CASE(flb_test_retrieve_enomem),
	KUNIT_CASE(flb_test_retrieve_error),
	KUNIT_CASE(flb_test_enomem_at_finish),
	KUNIT_CASE(flb_test_serialize_files_only),
	KUNIT_CASE(flb_test_peek),
	KUNIT_CASE(flb_test_peek_early),
	KUNIT_CASE(luo_test_check_ser),
	{}
};

static struct kunit_case file_test_cases[] = {
	KUNIT_CASE(file_test_quiesce_before_finish),
	KUNIT_CASE(file_test_no_quiesce_if_busy),
	KUNIT_CASE(file_test_no_finish_if_running),
	KUNIT_CASE(file_test_quiesce_is_optional),
	KUNIT_CASE(file_test_private_data),
	KUNIT_CASE(file_test_retrieve_retry),
	KUNIT_CASE(file_test_retrieve_no_retry),
	KUNIT_CASE(file_test_preserved_with),
	KUNIT_CASE(file_test_preserved_with_many),
	KUNIT_CASE(file_test_preserved_once),
	KUNIT_CASE(file_test_tokens),
	KUNIT_CASE(file_test_incoming_tokens),
	KUNIT_CASE(file_test_incoming_token_twice),
	KUNIT_CASE(session_test_retrieve_again),
	KUNIT_CASE(session_test_names),
	KUNIT_CASE(session_test_incoming_names),
	KUNIT_CASE(session_test_no_empty_block),
	{}
};

static struct kunit_case growth_test_cases[] = {
	KUNIT_CASE_SLOW(growth_test_files_old),
	KUNIT_CASE_SLOW(growth_test_files_new),
	KUNIT_CASE_SLOW(growth_test_sessions_old),
	KUNIT_CASE_SLOW(growth_test_sessions_new),
	{}
};

static struct kunit_case memfd_test_cases[] = {
	KUNIT_CASE(memfd_test_held_until_finish),
	KUNIT_CASE(memfd_test_not_migrated),
	KUNIT_CASE(memfd_test_punched),
	KUNIT_CASE(memfd_test_partly_punched),
	KUNIT_CASE(memfd_test_closed_early),
	KUNIT_CASE(memfd_test_retrieve_fails),
	KUNIT_CASE(memfd_test_retrieve_refused),
	KUNIT_CASE(memfd_test_retrieve_retry),
	KUNIT_CASE(memfd_test_finish_without_retrieve),
	KUNIT_CASE(memfd_test_empty),
	{}
};

static int memfd_test_init(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_LIVEUPDATE_MEMFD))
		kunit_skip(test, "needs CONFIG_LIVEUPDATE_MEMFD");

	return luo_test_file_init(test);
}

static struct kunit_suite kho_test_suite = {
	.name = "liveupdate_kho",
	.init = luo_test_init,
	.test_cases = kho_test_cases,
};

static struct kunit_suite flb_test_suite = {
	.name = "liveupdate_flb",
	.suite_init = luo_test_suite_init,
	.suite_exit = luo_test_suite_exit,
	.init = luo_test_flb_init,
	.exit = luo_test_flb_exit,
	.test_cases = flb_test_cases,
};

static struct kunit_suite file_test_suite = {
	.name = "liveupdate_file",
	.suite_init = luo_test_suite_init,
	.suite_exit = luo_test_suite_exit,
	.init = luo_test_file_init,
	.test_cases = file_test_cases,
};

static struct kunit_suite growth_test_suite = {
	.name = "liveupdate_growth",
	.suite_init = luo_test_suite_init,
	.suite_exit = luo_test_suite_exit,
	.init = luo_test_file_init,
	.test_cases = growth_test_cases,
};

static struct kunit_suite memfd_test_suite = {
	.name = "liveupdate_memfd",
	.init = memfd_test_init,
	.test_cases = memfd_test_cases,
};

kunit_test_suites(&kho_test_suite, &flb_test_suite, &file_test_suite, &growth_test_suite,
		  &memfd_test_suite);
