<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge\output;

use core\output\named_templatable;
use core\output\renderable;
use core\output\renderer_base;
use local_copbridge\local\words;

/**
 * Hours by component, against what is asked for.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class bar implements named_templatable, renderable {
    /** @var float how far the scale goes beyond the highest figure, so that its mark can be seen */
    private const AIR = 1.08;

    /** @var int per cent: marks that are nearer than this have their words on different sides */
    private const NEAR = 22;

    /**
     * The bar of somebody.
     *
     * @param \stdClass $standing
     * @param words $words
     * @param bool $small without marks and legend, for a list of many
     */
    public function __construct(
        /** @var \stdClass how the person stands */
        private readonly \stdClass $standing,
        /** @var words the community's words */
        private readonly words $words,
        /** @var bool without marks and legend */
        private readonly bool $small = false,
    ) {
    }

    #[\Override]
    public function get_template_name(renderer_base $renderer): string {
        return 'local_copbridge/bar';
    }

    /**
     * What the template needs.
     *
     * @param renderer_base $output
     * @return array
     */
    public function export_for_template(renderer_base $output): array {
        [$min, $max] = [$this->standing->band_min, $this->standing->band_max];
        $parts = $this->parts();
        $sum = array_sum(array_column($parts, 'minutes'));
        $scale = max($this->standing->minutes, $sum, (int) $max, 60) * self::AIR;
        $segments = [];
        $left = 0;
        foreach ($parts as $part) {
            $segments[] = ['x' => self::percent($left, $scale), 'width' => self::percent($part['minutes'], $scale)] + $part;
            $left += $part['minutes'];
        }
        return [
            'text' => $this->text($parts),
            'small' => $this->small,
            'segments' => $segments,
            'hassegments' => (bool) $segments,
            'band' => $min === null ? null : [
                'x' => self::percent($min, $scale),
                'width' => self::percent($max - $min, $scale),
                'end' => self::percent($max, $scale),
            ],
            'marks' => $min === null ? [] : $this->marks($min, $max, $scale),
        ];
    }

    /**
     * How many hours there are of how many, in words.
     *
     * @return string
     */
    public function total(): string {
        $total = words::hours($this->standing->minutes);
        if ($this->standing->band_min === null) {
            return $total;
        }
        $band = words::band($this->standing->band_min, $this->standing->band_max);
        return get_string('bar_total', 'local_copbridge', ['total' => $total, 'band' => $band]);
    }

    /**
     * The colour of a component. One that a program made up always has the same, too.
     *
     * @param string $code
     * @return string
     */
    public static function colour(string $code): string {
        return in_array($code, words::COMPONENTS, true) ? $code : 'other' . crc32($code) % 2;
    }

    /**
     * What is asked for, in words.
     *
     * @return string empty where nothing is
     */
    public function of_band(): string {
        if ($this->standing->band_min === null) {
            return '';
        }
        $band = words::band($this->standing->band_min, $this->standing->band_max);
        return get_string('myhours_of_band', 'local_copbridge', $band);
    }

    /**
     * The components that have hours, in the program's order.
     *
     * @return array[]
     */
    private function parts(): array {
        $parts = [];
        foreach ($this->standing->components as $component) {
            if ($component->minutes <= 0) {
                continue;
            }
            $parts[] = [
                'minutes' => $component->minutes,
                'colour' => self::colour($component->code),
                'name' => $this->words->component($component->code),
                'hours' => words::hours($component->minutes),
            ];
        }
        return $parts;
    }

    /**
     * The whole bar as a sentence, for whoever doesn't see it.
     *
     * @param array[] $parts
     * @return string
     */
    private function text(array $parts): string {
        $said = array_map(fn(array $part): string => get_string(
            'bar_part',
            'local_copbridge',
            ['component' => $part['name'], 'hours' => $part['hours']]
        ), $parts);
        $said = $said ? implode(', ', $said) : get_string('bar_none', 'local_copbridge');
        return get_string('bar_text', 'local_copbridge', ['total' => $this->total(), 'parts' => $said]);
    }

    /**
     * The ends of the band, with their words where there is room for them.
     *
     * @param int $min
     * @param int $max
     * @param float $scale
     * @return array[]
     */
    private function marks(int $min, int $max, float $scale): array {
        $near = ($max - $min) / $scale * 100 < self::NEAR;
        $marks = [self::mark($min, $scale, $near ? 'end' : 'middle', get_string('myhours_minimum', 'local_copbridge'))];
        if ($max > $min) {
            $marks[] = self::mark($max, $scale, $near ? 'start' : 'middle', get_string('myhours_maximum', 'local_copbridge'));
        }
        return $marks;
    }

    /**
     * One mark. Words at an edge are turned inwards.
     *
     * @param int $minutes
     * @param float $scale
     * @param string $anchor
     * @param string $name
     * @return array
     */
    private static function mark(int $minutes, float $scale, string $anchor, string $name): array {
        $place = $minutes / $scale * 100;
        $anchor = match (true) {
            $place < 10 => 'start',
            $place > 88 => 'end',
            default => $anchor,
        };
        return ['x' => self::percent($minutes, $scale), 'anchor' => $anchor, 'hours' => words::hours($minutes), 'name' => $name];
    }

    /**
     * A share of the scale, as SVG reads it whatever the language.
     *
     * @param int $minutes
     * @param float $scale
     * @return string
     */
    private static function percent(int $minutes, float $scale): string {
        return number_format(max(0, $minutes) / $scale * 100, 2, '.', '') . '%';
    }
}
