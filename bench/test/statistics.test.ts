import { expect, test } from 'vitest';
import { median, quantile, ratios, spread } from '../src/harness/statistics.ts';

test('the median is the middle value, or the mean of the two in the middle', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([7])).toBe(7);
  expect(median([])).toBeNaN();
});

test('a quantile is one of the values, the nearest by rank', () => {
  const values = Array.from({ length: 200 }, (_, n) => 200 - n);
  expect(quantile(values, 0.5)).toBe(100);
  expect(quantile(values, 0.99)).toBe(198);
  expect(quantile([5], 0.99)).toBe(5);
  expect(quantile([], 0.5)).toBeNaN();
});

test('a spread names both ends and leaves the values as they are', () => {
  const values = [3, 1, 2];
  expect(spread(values)).toEqual({ median: 2, least: 1, most: 3 });
  expect(values).toEqual([3, 1, 2]);
});

test('a ratio above 1 is ahead, whether more is better or less', () => {
  expect(ratios([20, 30], [10, 10], 'more')).toEqual([2, 3]);
  expect(ratios([20, 30], [10, 15], 'less')).toEqual([0.5, 0.5]);
});

test('ratios are of the rounds that both have', () => {
  expect(ratios([20, 30, 40], [10, 10], 'more')).toEqual([2, 3]);
  expect(ratios([20], [10, 10], 'more')).toEqual([2]);
});
