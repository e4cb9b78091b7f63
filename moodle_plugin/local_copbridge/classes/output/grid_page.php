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

use local_copbridge\local\grid;
use local_copbridge\local\hours;
use local_copbridge\local\hours_input;
use local_copbridge\local\standings;

/**
 * The page of a course's participation hours.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class grid_page implements \renderable, \templatable {
    /** @var grid what the page shows */
    private grid $grid;

    /** @var bool whether the course tracks completion at all */
    private bool $tracking;

    /** @var \stdClass|null what the service told of the course */
    private ?\stdClass $told;

    /**
     * Shows a grid.
     *
     * @param grid $grid
     */
    public function __construct(grid $grid) {
        $this->grid = $grid;
        $this->tracking = (bool) (new \completion_info($grid->course))->is_enabled();
        $this->told = standings::course((int) $grid->course->id);
    }

    /**
     * What the template shows.
     *
     * @param \renderer_base $output
     * @return array
     */
    public function export_for_template(\renderer_base $output): array {
        $sections = [];
        $sum = $tracked = 0;
        foreach ($this->grid->activities() as $cmid => $cm) {
            $minutes = $this->grid->minutes($cmid);
            $sum += $minutes;
            $tracked += $this->tracked($cm) ? $minutes : 0;
            $sections[$cm->sectionnum]['name'] ??= get_section_name($this->grid->course, $cm->sectionnum);
            $sections[$cm->sectionnum]['activities'][] = $this->activity($cm, $output);
        }
        return [
            'action' => (new \moodle_url('/local/copbridge/grid.php'))->out(false),
            'courseid' => (int) $this->grid->course->id,
            'sesskey' => sesskey(),
            'sections' => array_values($sections),
            'empty' => !$sections,
            'notracking' => !$this->tracking,
            'decsep' => get_string('decsep', 'langconfig'),
            'sum' => hours_input::format($sum),
            'tracked' => hours_input::format($tracked),
        ];
    }

    /**
     * Whether completing an activity is noticed.
     *
     * @param \cm_info $cm
     * @return bool
     */
    private function tracked(\cm_info $cm): bool {
        return $this->tracking && (int) $cm->completion !== COMPLETION_TRACKING_NONE;
    }

    /**
     * One activity.
     *
     * @param \cm_info $cm
     * @param \renderer_base $output
     * @return array
     */
    private function activity(\cm_info $cm, \renderer_base $output): array {
        $cmid = (int) $cm->id;
        $row = $this->grid->row($cmid);
        $fields = $this->grid->fields($cmid);
        $problems = $this->grid->problems($cmid);
        $manual = (int) $cm->completion === COMPLETION_TRACKING_MANUAL;
        $name = shorten_text($cm->get_formatted_name(), 100);
        $state = $this->tracked($cm) ? ($manual ? 'grid_manual' : 'grid_automatic') : 'grid_untracked';
        return [
            'cmid' => $cmid,
            'name' => $name,
            'hourslabel' => get_string('grid_hoursof', 'local_copbridge', $name),
            'componentlabel' => get_string('grid_componentof', 'local_copbridge', $name),
            'url' => $cm->url ? $cm->url->out(false) : '',
            'icon' => $cm->get_icon_url($output)->out(false),
            'kind' => $cm->modfullname,
            'hidden' => !$cm->visible,
            'completion' => get_string($state, 'local_copbridge'),
            'tracked' => $this->tracked($cm),
            'hours' => $fields['hours'],
            'seen' => hours::state($row),
            'problem' => implode(' ', $problems),
            'hoursinvalid' => isset($problems['hours']),
            'componentinvalid' => isset($problems['component']),
        ] + $this->component($fields['component']);
    }

    /**
     * The component's field: a select where the program's components are known, else a text.
     *
     * @param string $current
     * @return array
     */
    private function component(string $current): array {
        $choices = hours_input::components($this->told, $current);
        $options = [];
        foreach ($choices ?? [] as $code => $word) {
            $options[] = ['code' => $code, 'word' => $word, 'selected' => (string) $code === $current];
        }
        return ['component' => $current, 'choice' => $choices !== null, 'options' => $options];
    }
}
