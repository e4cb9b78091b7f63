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
use local_copbridge\local\lacking;
use local_copbridge\local\words;

/**
 * The page of one participant: how many hours there are, what is missing, and what earned what.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class participant implements named_templatable, renderable {
    /** @var words the community's words */
    private readonly words $words;

    /**
     * The page of a participant.
     *
     * @param \stdClass $course
     * @param \stdClass|null $standing null as long as the service told nothing
     * @param \stdClass|null $community
     * @param int $waiting activities that Moodle has yet to hand over
     * @param string $person whose page it is; empty: the reader's own
     */
    public function __construct(
        /** @var \stdClass the course */
        private readonly \stdClass $course,
        /** @var \stdClass|null how the person stands */
        private readonly ?\stdClass $standing,
        /** @var \stdClass|null what is known of the community */
        private readonly ?\stdClass $community,
        /** @var int activities that Moodle has yet to hand over */
        private readonly int $waiting,
        /** @var string whose page it is */
        private readonly string $person = '',
    ) {
        $this->words = words::of_course($community);
    }

    #[\Override]
    public function get_template_name(renderer_base $renderer): string {
        return 'local_copbridge/participant';
    }

    /**
     * What the template needs.
     *
     * @param renderer_base $output
     * @return array
     */
    public function export_for_template(renderer_base $output): array {
        $ontheirway = $this->waiting + ($this->standing->on_their_way ?? 0);
        $head = [
            'title' => $this->person === ''
                ? get_string('myhours_title', 'local_copbridge')
                : get_string('myhours_title_other', 'local_copbridge', $this->person),
            'community' => $this->community->community ?? '',
            'program' => $this->community ? $this->words->name('program', $this->community->program) : '',
            'rosterurl' => $this->person === '' ? '' : $this->url(),
            'ontheirway' => $ontheirway ? words::counted('myhours_ontheirway', $ontheirway) : '',
        ];
        if ($this->standing === null) {
            return $head + ['empty' => $this->person === ''
                ? get_string('myhours_empty_text', 'local_copbridge')
                : get_string('myhours_empty_other', 'local_copbridge', $this->person)];
        }
        return $head + $this->summary($output) + $this->lists() + ['fresh' => fresh::text($this->standing, $this->community)];
    }

    /**
     * How many hours there are, and what is missing.
     *
     * @param renderer_base $output
     * @return array
     */
    private function summary(renderer_base $output): array {
        $standing = $this->standing;
        $bar = new bar($standing, $this->words);
        $missing = (new lacking($this->words))->lines($standing->missing);
        $done = !$missing && in_array($standing->status, ['met', 'above'], true);
        $shown = $standing->hour_minutes !== 60;
        return [
            'told' => true,
            'total' => words::hours($standing->minutes),
            'ofband' => $bar->of_band(),
            'status' => $standing->status,
            'statusword' => $this->words->status($standing->status),
            'statustext' => $this->words->status_sentence($standing->status),
            'bar' => $bar->export_for_template($output),
            'hasmissing' => $missing || $done,
            'missing' => array_map(fn(array $line): array => $line + ['hasways' => (bool) $line['ways']], $missing),
            'missingnone' => $done,
            'hourminutes' => $shown ? get_string('myhours_hourminutes', 'local_copbridge', $standing->hour_minutes) : '',
        ];
    }

    /**
     * What earned what.
     *
     * @return array
     */
    private function lists(): array {
        $activities = $this->activities();
        $sessions = array_map($this->session(...), $this->standing->sessions);
        $other = array_map($this->other(...), $this->standing->other);
        return [
            'activities' => $activities,
            'hasactivities' => (bool) $activities,
            'sessions' => $sessions,
            'hassessions' => (bool) $sessions,
            'other' => $other,
            'hasother' => (bool) $other,
        ];
    }

    /**
     * The activities, in the course's order; what is no longer there comes last.
     *
     * @return array[]
     */
    private function activities(): array {
        $modinfo = get_fast_modinfo($this->course);
        $order = array_flip(array_keys($modinfo->get_cms()));
        $found = $this->standing->activities;
        $place = fn(\stdClass $activity): int => $order[$activity->module] ?? PHP_INT_MAX;
        usort($found, fn(\stdClass $a, \stdClass $b): int => $place($a) <=> $place($b));
        // What the reader can't open and earned nothing in would be a row that says nothing.
        $found = array_filter($found, fn(\stdClass $a): bool => $a->minutes !== 0 || $a->at || $a->reason
            || ($order[$a->module] ?? null) === null || $modinfo->get_cm($a->module)->uservisible);
        return array_map(
            fn(\stdClass $a): array => $this->activity($a, $modinfo->get_cms()[$a->module] ?? null),
            array_values($found)
        );
    }

    /**
     * One activity. What the reader can't see in the course keeps its name to itself here, too.
     *
     * @param \stdClass $activity
     * @param \cm_info|null $cm
     * @return array
     */
    private function activity(\stdClass $activity, ?\cm_info $cm): array {
        $visible = $cm && $cm->uservisible && !$cm->deletioninprogress;
        $name = match (true) {
            $visible => $cm->get_formatted_name(),
            $cm && !$cm->deletioninprogress => get_string('myhours_activity_hidden', 'local_copbridge'),
            default => get_string('myhours_activity_gone', 'local_copbridge'),
        };
        $earned = $activity->minutes !== 0;
        $offers = $activity->offers ?? null;
        return [
            'name' => $name,
            'url' => $visible && $cm->url ? $cm->url->out(false) : '',
            'component' => $activity->component ? $this->words->component($activity->component) : '',
            'day' => $earned && $activity->at ? $this->words->day($activity->at) : '',
            'reason' => $activity->reason ? $this->words->reason($activity->reason) : '',
            'done' => $earned,
            'hours' => $offers === null ? words::hours($activity->minutes) : get_string('myhours_of', 'local_copbridge', [
                'earned' => words::hours($activity->minutes),
                'offered' => words::hours($offers),
            ]),
            'notdone' => !$earned && !$activity->reason && !$activity->at,
        ];
    }

    /**
     * One session.
     *
     * @param \stdClass $session
     * @return array
     */
    private function session(\stdClass $session): array {
        return [
            'name' => $session->title === '' ? get_string('myhours_session', 'local_copbridge') : $session->title,
            'component' => $this->words->mode($session->mode),
            'day' => $this->words->day($session->at),
            'reason' => $session->reason ? $this->words->reason($session->reason) : '',
            'done' => $session->minutes !== 0,
            'hours' => words::hours($session->minutes),
        ];
    }

    /**
     * Something that is neither an activity nor a session.
     *
     * @param \stdClass $line
     * @return array
     */
    private function other(\stdClass $line): array {
        return [
            'name' => $this->words->other($line->what, $line->title),
            'day' => $line->at ? $this->words->day($line->at) : '',
            'done' => $line->minutes !== 0,
            'hours' => words::hours($line->minutes),
        ];
    }

    /**
     * The page of all participants.
     *
     * @return string
     */
    private function url(): string {
        return (new \moodle_url('/local/copbridge/hours.php', ['courseid' => $this->course->id]))->out(false);
    }
}
