# SPDX-License-Identifier: GPL-2.0-only
# Prints the answers that test_stats.c knows from another program: Rscript known_answers.R
# Each by a function of R, or by the definition and not by the formula that stats.c has.

options(digits = 15)

welch <- function(base, new) {
	test <- t.test(new, base)
	c(df = unname(test$parameter), low = test$conf.int[1], high = test$conf.int[2])
}

# The ratios at which Welch's statistic of new - ratio * base is the quantile of t.
fieller <- function(base, new, confidence) {
	ratio <- mean(new) / mean(base)
	vb <- var(base) / length(base)
	vn <- var(new) / length(new)
	df <- (ratio^2 * vb + vn)^2 / (ratio^4 * vb^2 / (length(base) - 1) + vn^2 / (length(new) - 1))
	t <- qt((1 + confidence) / 2, df)
	off <- function(r) (mean(new) - r * mean(base))^2 / (vn + r^2 * vb) - t^2
	c(ratio = ratio, low = uniroot(off, c(0, ratio), tol = 1e-15)$root,
	  high = uniroot(off, c(ratio, ratio * 50), tol = 1e-15)$root)
}

# Of the quotients those between which Mann and Whitney's statistic puts the ratio
ranks <- function(base, new, rank) {
	quotients <- sort(outer(new, base, "/"))
	c(ratio = exp(median(log(quotients))), low = quotients[rank], high = quotients[length(quotients) + 1 - rank])
}

trend <- function(series) {
	test <- cor.test(seq_along(series), series, method = "kendall", exact = FALSE, continuity = TRUE)
	c(z = unname(test$statistic), p = test$p.value)
}

# MSER-5 over each truncation of at most half, then the trend of the rest.
steady <- function(series) {
	n <- length(series) %/% 5
	means <- colMeans(matrix(series[1:(5 * n)], 5))
	error <- sapply(0:(n %/% 2), function(left_out) {
		rest <- means[(left_out + 1):n]
		sum((rest - mean(rest))^2) / length(rest)^2
	})
	begin <- 5 * (which.min(error) - 1)
	c(begin = begin, trend(series[(begin + 1):length(series)]))
}

series <- function(n, height, length) {
	i <- 0:(n - 1)
	100 + height * exp(-i / length) + 3 * sin(12.9898 * i)
}

nile <- as.numeric(Nile)
plant <- split(PlantGrowth$weight, PlantGrowth$group)
spray <- split(InsectSprays$count, InsectSprays$spray)

print(welch(sleep$extra[11:20], sleep$extra[1:10]))
print(welch(plant$ctrl, plant$trt1))
print(fieller(plant$ctrl, plant$trt1, 0.95))
print(fieller(plant$ctrl, plant$trt1, 0.999))
print(fieller(spray$A, spray$C, 0.95))
term <- c(0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46)
early <- c(1.15, 0.88, 0.90, 0.74, 1.21)
print(exp(c(wilcox.test(log(term), log(early), conf.int = TRUE)$estimate,
	    wilcox.test(log(term), log(early), conf.int = TRUE)$conf.int,
	    wilcox.test(log(term), log(early), conf.int = TRUE, conf.level = 0.99)$conf.int)))
print(ranks(plant$ctrl, plant$trt1, qwilcox(0.025, 10, 10)))
print(ranks(plant$ctrl, plant$trt1, qwilcox(0.0005, 10, 10)))
print(ranks(nile[1:50], nile[51:100], floor(2500 / 2 - qnorm(0.975) * sqrt(2500 * 101 / 12))))
print(trend(nile))
print(trend(nile[30:100]))
print(steady(series(80, 0, 1)))
print(steady(series(80, 60, 8)))
print(steady(series(78, 60, 8)))
print(steady(series(80, 60, 60)))
print(steady(nile))
# Ranks of the interval of the median of 10 values, and the values of these ranks
print(c(qbinom(0.025, 10, 0.5), 11 - qbinom(0.025, 10, 0.5)))
print(sort(sleep$extra[11:20])[c(2, 9)])
