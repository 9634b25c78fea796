// SPDX-License-Identifier: GPL-2.0-only
/* Ports of flbench-dpdk: found by address, set up, closed. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "dpdk.h"

#define PCI_DEVICES "/sys/bus/pci/devices/"

bool port_is_pci(const char *name)
{
	unsigned int domain, bus, device, function;
	int end = 0;

	return sscanf(name, "%4x:%2x:%2x.%1u%n", &domain, &bus, &device, &function, &end) == 4 &&
	       !name[end] && strlen(name) == 12;
}

int port_check(const char *name)
{
	char path[PATH_MAX], driver[PATH_MAX];
	ssize_t length;

	if (!port_is_pci(name))
		return 0;
	snprintf(path, sizeof(path), PCI_DEVICES "%s", name);
	if (access(path, F_OK))
		return complain(
			-ENODEV,
			"port %s: there is no such PCI device; lspci -D lists what there is", name);
	snprintf(path, sizeof(path), PCI_DEVICES "%s/driver", name);
	length = readlink(path, driver, sizeof(driver) - 1);
	driver[length > 0 ? length : 0] = '\0';
	if (strcmp(basename(driver), "vfio-pci"))
		return complain(
			-EBUSY,
			"port %s: it is bound to %s, not to vfio-pci; bind it: dpdk-devbind.py -b vfio-pci %s",
			name, length > 0 ? basename(driver) : "no driver", name);
	return 0;
}

int port_find(const char *name)
{
	uint16_t port;

	if (rte_eth_dev_get_port_by_name(name, &port))
		return complain(
			-ENODEV,
			"port %s: DPDK has no driver for it, or cannot use it; see its messages, and install the driver's library",
			name);
	return port;
}

int port_open(uint16_t port, const char *name, const struct options *o, struct rte_mempool *pool)
{
	struct rte_eth_conf conf = { 0 };
	uint16_t rx = o->descriptors, tx = o->descriptors;
	struct rte_eth_dev_info info;
	int err = rte_eth_dev_info_get(port, &info);

	if (err)
		return complain(err, "port %s: it does not tell what it can do: %s", name,
				strerror(-err));
	if (o->queues > info.max_rx_queues || o->queues > info.max_tx_queues)
		return complain(
			-EINVAL,
			"port %s: %u queues are too many: it has %u for receiving and %u for sending; give --queues",
			name, o->queues, info.max_rx_queues, info.max_tx_queues);
	if (o->queues > 1 && info.flow_type_rss_offloads) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = info.flow_type_rss_offloads;
	}
	err = rte_eth_dev_configure(port, o->queues, o->queues, &conf);
	if (!err)
		err = rte_eth_dev_adjust_nb_rx_tx_desc(port, &rx, &tx);
	for (uint16_t q = 0; !err && q < o->queues; q++) {
		err = rte_eth_rx_queue_setup(port, q, rx, rte_eth_dev_socket_id(port), NULL, pool);
		if (!err)
			err = rte_eth_tx_queue_setup(port, q, tx, rte_eth_dev_socket_id(port),
						     NULL);
	}
	if (!err)
		err = rte_eth_dev_start(port);
	if (err)
		return complain(err,
				"port %s: it cannot be set up with %u queues of %u descriptors: %s",
				name, o->queues, o->descriptors, strerror(-err));
	/* A virtual device may not know the word; then it takes everything anyway. */
	err = rte_eth_promiscuous_enable(port);
	if (err && err != -ENOTSUP)
		return complain(err, "port %s: it does not take frames for all: %s", name,
				strerror(-err));
	return 0;
}

void port_close(uint16_t port)
{
	rte_eth_dev_stop(port);
	rte_eth_dev_close(port);
}
