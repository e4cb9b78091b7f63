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

namespace local_copbridge\local;

/**
 * The participation hours of a whole course: what the grid shows, and what it keeps.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class grid {
    /** @var \stdClass the course */
    public readonly \stdClass $course;

    /** @var \stdClass[] what is declared, by course module id */
    private array $rows;

    /** @var hours_input[] what was typed, by course module id */
    private array $typed = [];

    /** @var array[] hours and component, as they were typed, by course module id */
    private array $raw = [];

    /** @var array[] messages by course module id and field */
    private array $problems = [];

    /**
     * Reads what is declared.
     *
     * @param \stdClass $course
     */
    public function __construct(\stdClass $course) {
        $this->course = $course;
        $this->rows = hours::of_course((int) $course->id);
    }

    /**
     * The activities, in the course's order.
     *
     * @return \cm_info[] by course module id
     */
    public function activities(): array {
        $modinfo = get_fast_modinfo($this->course);
        $activities = [];
        foreach ($modinfo->get_sections() as $cmids) {
            foreach ($cmids as $cmid) {
                $cm = $modinfo->get_cm($cmid);
                if (self::shown($cm)) {
                    $activities[(int) $cmid] = $cm;
                }
            }
        }
        return $activities;
    }

    /**
     * Whether an activity belongs into the grid.
     *
     * @param \cm_info $cm
     * @return bool
     */
    private static function shown(\cm_info $cm): bool {
        // A subsection is a section, though it is built as an activity; question banks (from 5.0) can't be taken part in.
        $canbedisplayed = !method_exists($cm, 'is_of_type_that_can_display') || $cm->is_of_type_that_can_display();
        return !$cm->deletioninprogress && $cm->modname !== 'subsection' && $canbedisplayed && $cm->uservisible;
    }

    /**
     * Takes what was typed, and says what is wrong with it.
     *
     * @param string[] $hours by course module id
     * @param string[] $components by course module id
     * @param string[] $seen the states that the page was opened with, by course module id
     * @return bool whether all of it can be kept
     */
    public function take(array $hours, array $components, array $seen): bool {
        foreach (array_keys($this->activities()) as $cmid) {
            // An activity that was added meanwhile isn't in what was typed.
            if (!isset($hours[$cmid], $components[$cmid], $seen[$cmid])) {
                continue;
            }
            $typed = new hours_input($hours[$cmid], $components[$cmid]);
            $row = $this->rows[$cmid] ?? null;
            $problems = $typed->problems();
            $conflict = $problems ? null : $typed->conflict($row, $seen[$cmid]);
            if ($conflict !== null) {
                $problems = ['hours' => $conflict];
            }
            if ($problems) {
                $this->problems[$cmid] = $problems;
            }
            if ($problems || $typed->changes($row, $seen[$cmid])) {
                $this->typed[$cmid] = $typed;
                $this->raw[$cmid] = ['hours' => $hours[$cmid], 'component' => $components[$cmid]];
            }
        }
        return !$this->problems;
    }

    /**
     * Keeps what was taken: all of it, or nothing where something of it is wrong.
     *
     * @param int $userid who does it
     * @return int how many activities changed
     */
    public function keep(int $userid): int {
        global $DB;
        if ($this->problems) {
            return 0;
        }
        $transaction = $DB->start_delegated_transaction();
        foreach ($this->typed as $cmid => $typed) {
            hours::set($cmid, $typed->minutes, $typed->component, $userid);
        }
        $transaction->allow_commit();
        return count($this->typed);
    }

    /**
     * What is declared for an activity.
     *
     * @param int $cmid
     * @return \stdClass|null
     */
    public function row(int $cmid): ?\stdClass {
        return $this->rows[$cmid] ?? null;
    }

    /**
     * What an activity's fields show: what was typed, else what is declared.
     *
     * @param int $cmid
     * @return array hours and component
     */
    public function fields(int $cmid): array {
        $row = $this->row($cmid);
        return $this->raw[$cmid] ?? [
            'hours' => hours_input::format($row ? (int) $row->minutes : null),
            'component' => $row->component ?? '',
        ];
    }

    /**
     * The minutes in an activity's fields, for the sum.
     *
     * @param int $cmid
     * @return int
     */
    public function minutes(int $cmid): int {
        if (isset($this->typed[$cmid])) {
            return (int) $this->typed[$cmid]->minutes;
        }
        return (int) ($this->row($cmid)->minutes ?? 0);
    }

    /**
     * What is wrong with an activity's fields.
     *
     * @param int|null $cmid null: those of all activities
     * @return string[]|array[] messages by field; by course module id and field
     */
    public function problems(?int $cmid = null): array {
        return $cmid === null ? $this->problems : $this->problems[$cmid] ?? [];
    }
}
